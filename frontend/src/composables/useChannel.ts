/** A channel's name in the page's language; one we have no word for is shown as it came. */
import { useI18n } from "vue-i18n";

export function useChannel() {
  const { t, te } = useI18n();
  return (channel: string) => (channel && te(`teach.channel.${channel}`) ? t(`teach.channel.${channel}`) : channel);
}
