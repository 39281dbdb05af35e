import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api, ApiError, buildUrl, configureClient, get, post, setCsrfToken } from "./client";

const answer = (status: number, body: unknown) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
const envelope = (code: string, message = "") => ({ error: { code, params: { n: 2 }, message, fields: {} } });

describe("the client", () => {
  const fetch = vi.fn<typeof globalThis.fetch>();
  beforeEach(() => {
    fetch.mockReset();
    vi.stubGlobal("fetch", fetch);
    setCsrfToken("token");
    configureClient({ signedOut: () => {}, renewCsrf: async () => {} });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("sends JSON with the CSRF token and stays on this origin", async () => {
    fetch.mockResolvedValue(answer(200, { ok: true }));
    await post("/api/queue/release/", { leases: ["a"] });
    const [url, options] = fetch.mock.calls[0]!;
    expect(url).toBe("/api/queue/release/");
    expect(options).toMatchObject({ method: "POST", credentials: "same-origin", body: '{"leases":["a"]}' });
    expect((options!.headers as Record<string, string>)["X-CSRFToken"]).toBe("token");
  });

  it("turns the envelope into an error with code and parameters", async () => {
    fetch.mockResolvedValue(answer(409, envelope("lease_expired")));
    const error = await get("/api/x/").catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "lease_expired", status: 409, params: { n: 2 }, retryable: false });
  });

  it.each([500, 502, 503, 429])("may send again after %i", async (status) => {
    fetch.mockResolvedValue(answer(status, "<html>"));
    await expect(get("/api/x/")).rejects.toMatchObject({ retryable: true });
  });

  it("says network when nobody answers", async () => {
    fetch.mockRejectedValue(new TypeError("Failed to fetch"));
    await expect(get("/api/x/")).rejects.toMatchObject({ code: "network", status: 0, retryable: true });
  });

  it("renews a stale CSRF token once and sends again", async () => {
    const renewCsrf = vi.fn(async () => setCsrfToken("fresh"));
    configureClient({ signedOut: () => {}, renewCsrf });
    fetch.mockResolvedValueOnce(answer(403, envelope("permission_denied", "CSRF Failed: token incorrect.")));
    fetch.mockResolvedValueOnce(answer(200, { saved: 1 }));
    await expect(post("/api/x/", {})).resolves.toEqual({ saved: 1 });
    expect(renewCsrf).toHaveBeenCalledOnce();
    expect((fetch.mock.calls[1]![1]!.headers as Record<string, string>)["X-CSRFToken"]).toBe("fresh");
  });

  it("tells the session when the server no longer knows us, but not for a wrong password", async () => {
    const signedOut = vi.fn();
    configureClient({ signedOut, renewCsrf: async () => {} });
    fetch.mockResolvedValueOnce(answer(401, envelope("bad_credentials")));
    await expect(post("/api/session/", {})).rejects.toMatchObject({ code: "bad_credentials" });
    expect(signedOut).not.toHaveBeenCalled();
    fetch.mockResolvedValueOnce(answer(401, envelope("not_authenticated")));
    await expect(get("/api/home/")).rejects.toBeInstanceOf(ApiError);
    expect(signedOut).toHaveBeenCalledOnce();
  });

  it("accepts an empty answer", async () => {
    fetch.mockResolvedValue(new Response(null, { status: 204 }));
    await expect(api("DELETE", "/api/session/")).resolves.toBeUndefined();
  });

  it("leaves empty query parameters out", () => {
    expect(buildUrl("/api/tickets/", { q: "", status: "new", cursor: null, limit: 50 })).toBe(
      "/api/tickets/?status=new&limit=50",
    );
  });
});
