import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import Fastify from "fastify";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { issueCa, issueLeaf } from "../../src/certs/issue.ts";
import { tlsOptions, useCertificate } from "../../src/server/tls.ts";

const NOW = new Date();
const [oldCa, newCa] = [await issueCa(NOW), await issueCa(NOW)];
const oldLeaf = await issueLeaf(oldCa, ["127.0.0.1"], NOW);
const newLeaf = await issueLeaf(newCa, ["127.0.0.1"], NOW);

describe("a certificate that changes while the server runs", () => {
  const app = () => Fastify({ https: { ...tlsOptions(oldLeaf) } }).get("/", async () => ({}));
  let running: ReturnType<typeof app>;
  let port: number;
  beforeEach(async () => {
    running = app();
    await running.listen({ host: "127.0.0.1", port: 0 });
    port = (running.server.address() as AddressInfo).port;
  });
  afterEach(() => running.close());

  const get = async (agent: Agent): Promise<{ status: number | undefined; socket: TLSSocket }> => {
    const outgoing = request({ agent, host: "127.0.0.1", port, path: "/" }).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
    return { status: response.statusCode, socket: response.socket as TLSSocket };
  };
  const trusting = (ca: string) => new Agent({ ca, keepAlive: true, maxSockets: 1 });

  test("a connection that is open goes on, and a new one sees the new certificate", async () => {
    const before = trusting(oldCa.cert);
    const after = trusting(newCa.cert);
    const { socket } = await get(before);
    useCertificate(running, newLeaf);
    const again = await get(before);
    expect(again).toMatchObject({ status: 200 });
    expect(again.socket).toBe(socket);
    expect(await get(after)).toMatchObject({ status: 200 });
    await expect(get(trusting(oldCa.cert))).rejects.toThrow(/self-signed|unable to verify|issuer/);
    before.destroy();
    after.destroy();
  });

  describe("in a process that would speak TLS 1.1", () => {
    const defaults = [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] as const;
    beforeEach(() => {
      tls.DEFAULT_MIN_VERSION = "TLSv1.1";
      tls.DEFAULT_CIPHERS = "DEFAULT@SECLEVEL=0";
    });
    afterEach(() => {
      [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] = defaults;
    });
    const handshake = async (version: "TLSv1.1" | "TLSv1.2"): Promise<string | null> => {
      const versions = { minVersion: version, maxVersion: version };
      const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...versions });
      await once(socket, "secureConnect");
      const protocol = socket.getProtocol();
      socket.destroy();
      return protocol;
    };

    test.each([
      ["at first", () => {}],
      ["after a change", () => useCertificate(running, newLeaf)],
    ])("the server refuses it %s", async (_when, change) => {
      change();
      await expect(handshake("TLSv1.1")).rejects.toThrow(/alert protocol version/);
      expect(await handshake("TLSv1.2")).toBe("TLSv1.2");
    });

    test("a change that is told of the pair alone forgets the rest: what these tests are for", async () => {
      (running.server as unknown as tls.Server).setSecureContext(newLeaf);
      expect(await handshake("TLSv1.1")).toBe("TLSv1.1");
    });
  });

  test.each([
    ["whose key is another's", { cert: newLeaf.cert, key: oldLeaf.key }],
    ["that is none", { cert: "", key: "" }],
  ])("a pair %s changes nothing", async (_what, pair) => {
    expect(() => useCertificate(running, pair)).toThrow();
    const agent = trusting(oldCa.cert);
    expect(await get(agent)).toMatchObject({ status: 200 });
    agent.destroy();
  });

  test("a server without TLS has none", () => {
    expect(() => useCertificate(Fastify(), newLeaf)).toThrow("does not speak TLS");
  });
});
