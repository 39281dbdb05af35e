/** Numbers, dates and durations in the person's language and time zone. */
import { computed, onScopeDispose, ref } from "vue";
import { useI18n } from "vue-i18n";
import { useSession } from "@/stores/session";

const now = ref(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for the whole page: relative times stay true without a timer each. */
function useNow() {
  if (watchers++ === 0) timer = setInterval(() => (now.value = Date.now()), 20_000);
  onScopeDispose(() => {
    if (--watchers === 0) clearInterval(timer);
  });
  return now;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const BYTES: [string, number][] = [
  ["gigabyte", 2 ** 30],
  ["megabyte", 2 ** 20],
  ["kilobyte", 2 ** 10],
];

export function relativeTime(locale: string, then: number, at: number): string {
  const seconds = (then - at) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(0, "second");
}

export function useFormat() {
  const { locale } = useI18n();
  const session = useSession();
  const clock = useNow();
  const zone = computed(() => session.user?.time_zone || session.installation?.time_zone || undefined);

  const number = (value: number, digits = 0) =>
    new Intl.NumberFormat(locale.value, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
  const percent = (value: number, digits = 0) =>
    new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: digits }).format(value);
  const dateTime = (iso: string) => format(iso, { dateStyle: "medium", timeStyle: "short" });
  const date = (iso: string) => format(iso, { dateStyle: "medium" });
  const ago = (iso: string) => relativeTime(locale.value, Date.parse(iso), clock.value);
  /** 1_572_864 → "1.5 MB", in the language's own unit. */
  const bytes = (value: number) => {
    const [unit, size] = BYTES.find(([, length]) => value >= length) ?? ["byte", 1];
    const digits = value / size < 10 && unit !== "byte" ? 1 : 0;
    return new Intl.NumberFormat(locale.value, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }).format(value / size);
  };
  const seconds = (value: number) => `${number(value, value < 10 ? 1 : 0)}\u202fs`;
  /** 75 → "1 min 15 s": for how long a run took. */
  const duration = (total: number) => {
    if (total < 60) return seconds(Math.round(total));
    const minutes = Math.floor(total / 60);
    if (minutes < 60) return `${minutes}\u202fmin ${Math.round(total % 60)}\u202fs`;
    return `${Math.floor(minutes / 60)}\u202fh ${minutes % 60}\u202fmin`;
  };

  function format(iso: string, options: Intl.DateTimeFormatOptions): string {
    const value = new Date(iso);
    if (Number.isNaN(value.getTime())) return "";
    return new Intl.DateTimeFormat(locale.value, { ...options, timeZone: zone.value }).format(value);
  }

  return { number, percent, bytes, dateTime, date, ago, seconds, duration };
}
