/** The called half beside a peer session: an echo behind a nats-server, which encrypts and signs nothing. Usage: fork(…, [PORT]) */
import { connect } from "@nats-io/transport-node";

const connection = await connect({ servers: `127.0.0.1:${process.argv[2] ?? ""}` });
connection.subscribe("bench.echo", {
  callback: (error, message) => {
    if (error !== null) throw error;
    message.respond(JSON.stringify({ output: message.json(), meta: {} }));
  },
});
await connection.flush();
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
