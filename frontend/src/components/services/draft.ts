/** What the editor holds while a person types: keywords as one line of text, the rest as it is. */
import type { Service, ServiceWrite } from "@/api/types";

export interface Draft {
  name: string;
  name_fr: string;
  description: string;
  guideline: string;
  keywords: string;
  key: string;
  color: number;
}

export function draftOf(service: Service): Draft {
  const { name, name_fr, description, guideline, key, color } = service;
  return { name, name_fr, description, guideline, key, color, keywords: service.keywords.join(", ") };
}

export function keywordsOf(text: string): string[] {
  const words = text.split(/[,;\n]/).map((word) => word.trim()).filter(Boolean);
  return [...new Set(words)];
}

/** The fields that differ from what is stored; what only differs in blanks does not. */
export function changesOf(draft: Draft, service: Service): ServiceWrite {
  const wanted = {
    name: draft.name.trim(),
    name_fr: draft.name_fr.trim(),
    description: draft.description.trim(),
    guideline: draft.guideline.trim(),
    key: draft.key.trim().toLowerCase(),
    color: draft.color,
    keywords: keywordsOf(draft.keywords),
  };
  const stored = { ...service, guideline: service.guideline.trim(), description: service.description.trim() };
  const names = Object.keys(wanted) as (keyof typeof wanted)[];
  const different = names.filter((name) => JSON.stringify(wanted[name]) !== JSON.stringify(stored[name]));
  return Object.fromEntries(different.map((name) => [name, wanted[name]]));
}
