/** Signing in, then going where the person wanted to go. */
import { ref } from "vue";
import { useRoute, useRouter } from "vue-router";
import { useSession } from "@/stores/session";

/** Only addresses inside this application: `//elsewhere` and `https:` are refused. */
export function safeNext(value: unknown): string {
  return typeof value === "string" && /^\/(?![/\\])/.test(value) ? value : "/home";
}

export function useSignIn() {
  const session = useSession();
  const router = useRouter();
  const route = useRoute();
  const busy = ref(false);
  const problem = ref<unknown>(null);

  async function signIn(username: string, password: string): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await session.signIn(username, password);
      await router.replace(safeNext(route.query.next));
    } catch (error) {
      problem.value = error;
    } finally {
      busy.value = false;
    }
  }
  return { signIn, busy, problem };
}
