import { expect, it } from "vitest";
import { mountWith } from "./testing";
import TicketText from "./TicketText.vue";

it("folds a text of 1 MB and shows all of it on demand", async () => {
  const text = "parcel lost ".repeat(87_382);
  const view = mountWith(TicketText, { text });
  expect(view.get('[data-testid="ticket-text"]').text().length).toBeLessThan(1_700);
  expect(view.text()).toContain("Show all 1,048,584 characters");
  await view.get("button").trigger("click");
  expect(view.get('[data-testid="ticket-text"]').element.textContent).toBe(text);
  view.unmount();
});

it("shows a ticket's markup as text", () => {
  const view = mountWith(TicketText, { text: "<img src=x onerror=alert(1)>" });
  expect(view.find("img").exists()).toBe(false);
  expect(view.text()).toContain("<img src=x");
  view.unmount();
});
