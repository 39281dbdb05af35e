/** One thing a person sets off: while it runs it cannot be set off again; a failure is kept to be shown. */
import { ref } from "vue";

export function useAction() {
  const busy = ref(false);
  const problem = ref<unknown>(null);

  /** The result, or undefined when it failed (see `problem`) or when one was still running. */
  async function run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (busy.value) return undefined;
    busy.value = true;
    problem.value = null;
    try {
      return await work();
    } catch (error) {
      problem.value = error;
      return undefined;
    } finally {
      busy.value = false;
    }
  }
  return { busy, problem, run };
}
