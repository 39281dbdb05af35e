/** What the side bar shows, in order, and from which role on. */
import {
  Activity,
  Boxes,
  CheckCheck,
  FileUp,
  FlaskConical,
  Gauge,
  GraduationCap,
  Headset,
  House,
  Inbox,
  PenLine,
  PlaySquare,
  Rows3,
  Scale,
  Tags,
  Telescope,
  Users,
} from "@lucide/vue";
import type { Component } from "vue";
import type { Role } from "@/api/types";

export interface NavEntry {
  name: string;
  icon: Component;
  role: Role;
}

export interface NavGroup {
  key: string;
  entries: NavEntry[];
}

export const NAV: NavGroup[] = [
  {
    key: "work",
    entries: [
      { name: "home", icon: House, role: "annotator" },
      { name: "teach", icon: GraduationCap, role: "annotator" },
      { name: "check", icon: CheckCheck, role: "annotator" },
      { name: "waiting", icon: Headset, role: "annotator" },
    ],
  },
  {
    key: "watch",
    entries: [
      { name: "loop", icon: Activity, role: "lead" },
      { name: "dashboard", icon: Gauge, role: "lead" },
      { name: "tickets", icon: Rows3, role: "reviewer" },
      { name: "triage", icon: Inbox, role: "reviewer" },
      { name: "judge", icon: Scale, role: "reviewer" },
      { name: "observation", icon: Telescope, role: "reviewer" },
      { name: "try", icon: FlaskConical, role: "reviewer" },
      { name: "written", icon: PenLine, role: "reviewer" },
    ],
  },
  {
    key: "run",
    entries: [
      { name: "services", icon: Tags, role: "lead" },
      { name: "import", icon: FileUp, role: "lead" },
      { name: "runs", icon: PlaySquare, role: "lead" },
      { name: "models", icon: Boxes, role: "lead" },
      { name: "people", icon: Users, role: "lead" },
    ],
  },
];
