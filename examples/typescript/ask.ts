// Asks a gateway for a score, for some at once, and for that of a customer: `KLOUT_KEY=… ask.ts URL NETWORK:HANDLE…`.

import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  createClient,
  type CallOptions,
  type Interceptor,
} from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { ErrorInfoSchema, RetryInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import { type Status } from "./generated/google/rpc/status_pb.js";
import { LookupService } from "./generated/klout/profile/v1/lookup_service_pb.js";
import { type Score } from "./generated/klout/score/v1/score_pb.js";
import { ScoreService } from "./generated/klout/score/v1/score_service_pb.js";

// Milliseconds that a call may take, with all that is tried again.
const DEADLINE_MS = 2_000;

// How often a call is made again, and the first pause, which doubles.
const RETRIES_MAX = 3;
const PAUSE_MS = 50;

// The stable reason of an error, such as PERSON_UNKNOWN.
function reason(error: ConnectError): string {
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? Code[error.code];
}

// The same of one row of a batch.
function reasonOfRow(status: Status): string {
  const [detail] = status.details.filter((it) => it.typeUrl.endsWith("google.rpc.ErrorInfo"));
  return (detail && anyUnpack(detail, ErrorInfoSchema)?.reason) ?? Code[status.code];
}

// A score in a line; who has none has no number.
function told(score?: Score): string {
  return `person ${score?.person || "(not told)"}: ${score?.state} ${score?.score?.toFixed(2) ?? "-"}`;
}

// Asks again what is not available, not sooner than the gateway says. All calls of this program only read, so that nothing is
// done twice.
const retries: Interceptor = (next) => async (request) => {
  for (let tried = 0; ; tried += 1) {
    try {
      return await next(request);
    } catch (error) {
      const refused = ConnectError.from(error);
      if (refused.code !== Code.Unavailable || tried === RETRIES_MAX || request.signal.aborted) {
        throw refused;
      }
      const asked = refused.findDetails(RetryInfoSchema)[0]?.retryDelay;
      const least = asked ? Number(asked.seconds) * 1_000 + asked.nanos / 1e6 : 0;
      const pause = least + PAUSE_MS * 2 ** tried * (1 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
};

// Prints what a call is answered, or the reason why it is not.
async function tryTo(what: string, call: () => Promise<string>): Promise<void> {
  try {
    console.log(`${what}: ${await call()}`);
  } catch (error) {
    const refused = ConnectError.from(error);
    console.log(`${what}: ${reason(refused)}: ${refused.rawMessage}`);
  }
}

async function main(baseUrl: string, accounts: string[], key: string): Promise<void> {
  const transport = createGrpcTransport({ baseUrl, interceptors: [retries] });
  const scores = createClient(ScoreService, transport);
  const lookups = createClient(LookupService, transport);
  const said = (shown: string): CallOptions => ({
    headers: { "x-api-key": shown },
    timeoutMs: DEADLINE_MS,
  });
  const names = accounts.map((account) => {
    const [network, ...handle] = account.split(":");
    return { network, name: { case: "handle" as const, value: handle.join(":") } };
  });
  const account = { case: "account" as const, value: names[0] };
  const nobody = { case: "person" as const, value: "1" };

  await tryTo("a score", async () =>
    told((await scores.getScore({ subject: account }, said(key))).score),
  );
  await tryTo("nobody's score", async () =>
    told((await scores.getScore({ subject: nobody }, said(key))).score),
  );
  await tryTo("a batch", async () => {
    const subjects = names.map((value) => ({ subject: { case: "account" as const, value } }));
    const asked = { subjects: [...subjects, { subject: nobody }] };
    const { results } = await scores.batchLookupScores(asked, said(key));
    const rows = results.map(({ result }) =>
      result.case === "status" ? reasonOfRow(result.value) : told(result.value),
    );
    return rows.join("; ");
  });
  await tryTo("a customer", async () =>
    told((await lookups.resolveAndGetScore({ accounts: names.slice(0, 1) }, said(key))).score),
  );
  await tryTo("a wrong key", async () =>
    told((await scores.getScore({ subject: account }, said("wrong"))).score),
  );
}

const [url, ...accounts] = process.argv.slice(2);
const key = process.env["KLOUT_KEY"];
if (!url || accounts.length === 0 || !key) {
  console.error("usage: KLOUT_KEY=… ask.ts URL NETWORK:HANDLE…");
  process.exit(2);
}
await main(url, accounts, key);
