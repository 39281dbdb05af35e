/** All message files of this language, keyed by their area (the file's name). */
const files = import.meta.glob<{ default: object }>("./fr/*.json", { eager: true });

const messages: Record<string, object> = {};
for (const [path, file] of Object.entries(files)) {
  messages[path.slice("./fr/".length, -".json".length)] = file.default;
}
export default messages;
