import { expect, it } from "vitest";
import { newKey } from "./newKey";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

it("makes a UUID, also where crypto.randomUUID is missing (plain http)", () => {
  expect(newKey()).toMatch(UUID);
  const plainHttp = { getRandomValues: crypto.getRandomValues.bind(crypto) };
  expect(newKey(plainHttp)).toMatch(UUID);
  expect(newKey(plainHttp)).not.toBe(newKey(plainHttp));
});
