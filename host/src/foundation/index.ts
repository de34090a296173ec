/**
 * Room `foundation`, floor 0: time, chance, durable bytes, log lines, ids, errors and strict JSON. Knows nothing of HearthNet's meaning.
 *
 * @example
 * const db = openDatabase("view.db", { migrations: ["CREATE TABLE seen(id TEXT PRIMARY KEY) STRICT"] });
 * db.transaction(() => db.prepare("INSERT INTO seen VALUES(?)").run(newUlid()));
 */
export { classOf, plainAddress, type AddressClass } from "./address/address-class.ts";
export { ManualClock, systemClock } from "./clock/clock.ts";
export { formatTime, isTime, parseTime } from "./clock/time.ts";
export { HnError, isErrorCode, type HnErrorOptions } from "./errors.ts";
export { Deadlines, type Expiring } from "./flow/deadlines.ts";
export { Disposer } from "./flow/disposer.ts";
export { LateSignal } from "./flow/late-signal.ts";
export { LruMap } from "./flow/lru.ts";
export { RecentMap } from "./flow/recent.ts";
export { firstOf } from "./flow/staggered.ts";
export { TokenBucket } from "./flow/token-bucket.ts";
export { decodeBase64url, encodeBase64url } from "./ids/base64url.ts";
export { hexOfTrace, readTraceparent, traceOfHex, writeTraceparent, type TraceParent } from "./ids/traceparent.ts";
export { createUlidFactory, isRequestId, isUlid, ownId, type UlidFactory } from "./ids/ulid.ts";
export { parseStrictJson, type JsonLimits } from "./json/parse.ts";
export { createLog, silentLog } from "./log/log.ts";
export { PLATFORM } from "./platform.ts";
export { Database, openDatabase, storageError, type DatabaseOptions } from "./storage/database.ts";
export { privateFolder, readFileBounded, syncFolder, writeFileAtomic } from "./storage/files.ts";
