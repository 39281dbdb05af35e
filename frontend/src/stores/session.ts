/** Who is signed in and what installation this is. The only Pinia store: all other data is queried. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { ApiError, configureClient, setCsrfToken } from "@/api/client";
import { session as endpoint } from "@/api/endpoints";
import type { Installation, Language, Role, Session, User } from "@/api/types";
import { preferredLanguage, useLocale } from "@/i18n";

const RANK: Record<Role, number> = { machine: 0, annotator: 1, reviewer: 2, lead: 3, admin: 4 };

export const useSession = defineStore("session", () => {
  const user = ref<User | null>(null);
  const installation = ref<Installation | null>(null);
  /** The person signed out: the next one starts at Home, not where this one was. */
  const leftByChoice = ref(false);
  const error = ref<ApiError | null>(null);
  const isReady = computed(() => installation.value !== null);
  let loading: Promise<void> | null = null;
  let chosen: Language | null = null;

  function atLeast(role: Role): boolean {
    return user.value !== null && RANK[user.value.role] >= RANK[role];
  }

  async function accept(session: Session): Promise<void> {
    setCsrfToken(session.csrf_token);
    installation.value = session.installation;
    user.value = session.user;
    error.value = null;
    await useLocale(session.user?.language || preferredLanguage());
  }

  /** Reads the session once; later calls share the answer unless `force` asks again. */
  function load(force = false): Promise<void> {
    if (isReady.value && !force) return Promise.resolve();
    loading ??= readSession().finally(() => (loading = null));
    return loading;
  }

  async function readSession(): Promise<void> {
    try {
      await accept(await endpoint.read());
    } catch (problem) {
      error.value = problem instanceof ApiError ? problem : new ApiError("bad_answer", 0);
      await useLocale(preferredLanguage());
    }
  }

  async function signIn(username: string, password: string): Promise<void> {
    await accept(await endpoint.signIn(username, password));
    leftByChoice.value = false;
    // A language chosen on the sign-in page is a choice about the account too.
    if (chosen && user.value && user.value.language !== chosen) await setLanguage(chosen);
  }

  async function signOut(): Promise<void> {
    await endpoint.signOut();
    leftByChoice.value = true;
    user.value = null;
    await load(true);
  }

  async function setLanguage(language: Language): Promise<void> {
    await useLocale(language);
    chosen = language;
    if (!user.value) return;
    user.value = { ...user.value, language };
    await endpoint.patchMe({ language }).catch(() => {});
  }

  configureClient({
    signedOut: () => {
      if (!user.value) return;
      user.value = null;
      void load(true);
    },
    renewCsrf: async () => setCsrfToken((await endpoint.read()).csrf_token),
  });

  return { user, installation, leftByChoice, error, isReady, atLeast, load, accept, signIn, signOut, setLanguage };
});
