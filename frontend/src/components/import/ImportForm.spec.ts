import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mountWith } from "@/components/desk/testing";
import { useSession } from "@/stores/session";
import ImportForm from "./ImportForm.vue";

const PREVIEW = {
  format: "csv",
  encoding: "utf-8",
  delimiter: ",",
  columns: ["id", "text", "service"],
  guess: { text_column: "text", label_column: "service", external_id_column: "id" },
  rows: [{ id: "1", text: "Where is it?", service: "Delivery" }, { id: "2", text: "Hm", service: "Unheard of" }],
  warnings: [],
};
let form: VueWrapper;
let asked: string[];

async function choose(file: File): Promise<void> {
  const input = form.get<HTMLInputElement>("input[type=file]");
  Object.defineProperty(input.element, "files", { value: [file], configurable: true });
  await input.trigger("change");
  await flushPromises();
  await vi.waitFor(() => expect(form.find(".card").exists()).toBe(true));
  await flushPromises();
}
const value = (label: string) => {
  const found = form.findAll("label").find((one) => one.text() === label)!;
  return form.get<HTMLSelectElement>(`#${found.attributes("for")}`).element.value;
};

beforeEach(async () => {
  asked = [];
  vi.stubGlobal("fetch", async (url: string) => (asked.push(url), new Response(JSON.stringify(PREVIEW))));
  form = mountWith(ImportForm, {});
  await flushPromises();
  asked = [];
});
afterEach(() => {
  form.unmount();
  vi.unstubAllGlobals();
});

describe("the import's form", () => {
  it("starts from the columns the server guessed and one column has one meaning", async () => {
    await choose(new File(["id,text,service\n"], "t.csv"));
    expect([value("Text of the ticket"), value("Service"), value("Ticket number")]).toEqual(["text", "service", "id"]);
    const text = form.findAll("select").find((one) => (one.element as HTMLSelectElement).value === "text")!;
    await text.setValue("id");
    expect([value("Text of the ticket"), value("Ticket number")]).toEqual(["id", ""]);
  });

  it("names the labels of the first rows that are no service", async () => {
    await choose(new File(["id,text,service\n"], "t.csv"));
    expect(form.text()).toContain("do not exist: Unheard of.");
  });

  it("refuses a file over the limit before any byte is sent", async () => {
    useSession().installation = { import_max_bytes: 10 } as never;
    await choose(new File(["x".repeat(11)], "big.csv"));
    expect(form.text()).toContain("larger than this installation takes");
    expect(asked).toEqual([]);
  });
});
