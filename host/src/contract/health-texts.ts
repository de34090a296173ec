/** What `doctor` says in the terminal, and the page in English. Other languages stand in the page's catalogue. */
import type { ProbeId, RemarkId, RepairId } from "./confinement.ts";
import type { HealthTexts } from "./health.ts";

const GIB = 2 ** 30;
const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB free.`;
const mebi = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
const age = (o: { days: number; devRoot: boolean }): string =>
  `${o.days < 1 ? "From today." : `${o.days} days old.`}${o.devRoot ? " It was built and signed on this machine for development." : ""}`;
/** What a program said, where it said something. */
const said = (found: string): string => (found === "" ? "" : ` (\`${found}\`)`);

/**
 * What is missing for confinement and how to mend it.
 * @source plugin-platform §1.4
 */
export const REPAIR_TEXTS: Record<RepairId, (found: string) => { title: string; fix: string }> = {
  bwrap: () => ({
    title: "bubblewrap is not installed, so plugins cannot be confined.",
    fix: "On Debian and Ubuntu run `sudo apt install bubblewrap`, on Fedora `sudo dnf install bubblewrap`, then start HearthNet again.",
  }),
  bwrap_version: (found) => ({
    title: `${found === "" ? "bubblewrap did not tell its version." : `bubblewrap ${found} is older than 0.8.0.`} Plugins cannot be confined with it.`,
    fix: "Update bubblewrap to 0.8.0 or later (Debian 12, Ubuntu 24.04).",
  }),
  prlimit: () => ({
    title: "The program prlimit was not found. Plugins cannot be confined without it.",
    fix: "Install util-linux: `sudo apt install util-linux`.",
  }),
  setpriv: () => ({
    title: "The program setpriv was not found. Plugins cannot be confined without it.",
    fix: "Install util-linux: `sudo apt install util-linux`.",
  }),
  architecture: (found) => ({
    title: `There is no system call filter for ${found}. Plugins cannot be confined.`,
    fix: "Use a 64-bit x86 or ARM machine.",
  }),
  platform: (found) => ({
    title: `There is no sandbox for ${found} yet. First-party plugins run with Node's permission model alone.`,
    fix: "Run HearthNet on Linux to run plugins of other publishers.",
  }),
  apparmor: (found) => ({
    title: `AppArmor keeps bubblewrap from creating user namespaces, as Ubuntu 23.10 and later do by default${said(found)}.`,
    fix:
      "Allow it for bubblewrap: create /etc/apparmor.d/bwrap with the lines `abi <abi/4.0>,` `include <tunables/global>` " +
      "`profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }`, then run `sudo systemctl reload apparmor` and start HearthNet again.",
  }),
  userns: (found) => ({
    title: `This kernel does not let ordinary users create user namespaces${said(found)}.`,
    fix: "Run `sudo sysctl -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1` (the second only on Debian), and put the same lines into /etc/sysctl.d/.",
  }),
  sandbox: (found) => ({
    title: `bubblewrap is installed but could not build the sandbox${said(found)}.`,
    fix: "In a container, start it with `--security-opt seccomp=unconfined --cap-add SYS_ADMIN`; otherwise see HearthNet's log for what bubblewrap said.",
  }),
  root: () => ({
    title:
      "HearthNet runs as root. Plugins run as the unprivileged user 65534, but a fault in HearthNet itself would own the machine.",
    fix: "Run HearthNet as an ordinary user; it needs no root rights.",
  }),
};

/** What the canary tries and must not be able to do. */
export const PROBE_TEXTS: Record<ProbeId, string> = {
  A01: "read /etc/shadow and the daemon's folder",
  A02: "write to /, /usr, /dev and /plugin",
  "A05-tcp": "connect to the daemon's machine by TCP",
  "A05-udp": "open a UDP socket",
  "A05-unix": "connect to an abstract Unix socket",
  A09: "signal the daemon",
  A10: "see a foreign environment or identity",
  A04: "load node:sqlite without the permission",
  A07: "start a process",
  A11: "load a native addon",
};

/** Why a plugin's label is not higher. */
export const REMARK_TEXTS: Record<RemarkId, (found: string) => string> = {
  no_proc: () => "this system has no /proc to read evidence from",
  no_filter: () => "no system call filter is active",
  new_privileges: () => "new privileges are not ruled out",
  capabilities: (found) => `capabilities remain (${found})`,
  root: () => "it runs as root of the machine",
  shared: (found) => `namespaces are shared with the daemon: ${found}`,
  no_permission_model: () => "Node's permission model is off",
  soft_limits: () => "memory and processes are watched, not limited by a control group",
  daemon_root: () => "the daemon runs as root; plugins run as user 65534",
  in_process: () => "it runs inside its test's own process",
};

const runtime = ({ version, platform }: { version: string; platform: string }): { title: string; detail: string } => ({
  title: "Runtime",
  detail: `Node ${version} on ${platform}.`,
});

export const HEALTH_TEXTS: HealthTexts = {
  runtime_fits: (o) => ({ ...runtime(o), fix: "" }),
  runtime_foreign: (o) => ({
    ...runtime(o),
    fix: "Start HearthNet with `npm start` or `npx hearthnet`, which use the Node that it brings along.",
  }),
  data_private: ({ dir }) => ({ title: "Data folder", detail: dir, fix: "" }),
  data_readable: ({ dir }) => ({
    title: "Data folder",
    detail: `Other users of this machine can look into ${dir}.`,
    fix: `Run \`chmod 700 '${dir}'\`.`,
  }),
  data_none: ({ dir }) => ({ title: "Data folder", detail: `${dir} is made at the first start.`, fix: "" }),
  disk_room: ({ freeBytes }) => ({ title: "Disk", detail: gib(freeBytes), fix: "" }),
  disk_low: ({ freeBytes }) => ({
    title: "Disk",
    detail: gib(freeBytes),
    fix: "Make room on this disk, or move the data folder with `--data`.",
  }),
  disk_full: ({ freeBytes }) => ({
    title: "Disk",
    detail: gib(freeBytes),
    fix: "Make room on this disk, or move the data folder with `--data`.",
  }),
  clock_right: ({ now }) => ({ title: "Clock", detail: `${minute(now)}.`, fix: "" }),
  clock_behind: ({ now, built }) => ({
    title: "Clock",
    detail: `The clock shows ${minute(now)}, which is before this version was made (${day(built)}).`,
    fix: "Set the date and time of this machine; signatures and certificates depend on them.",
  }),
  confined: ({ label, held, probes }) => ({
    title: "Confinement of plugins",
    detail: `Label ${label}: the operating system confines every plugin (${held} of ${probes} probes held).`,
    fix: "",
  }),
  unconfined: ({ label, repair }) => ({
    title: "Confinement of plugins",
    detail: `Label ${label}: plugins are not confined by the operating system. Only first-party plugins run.`,
    fix: repair === null ? "" : REPAIR_TEXTS[repair.id](repair.found).fix,
  }),
  repair: ({ id, found }) => {
    const { title, fix } = REPAIR_TEXTS[id](found);
    return { title: "Confinement", detail: title, fix };
  },
  addresses: ({ bus, page }) => ({ title: "Addresses", detail: `The bus answers at ${bus}, the page at ${page}.`, fix: "" }),
  catalogue_unread: () => ({ title: "Catalogue", detail: "It is being read.", fix: "" }),
  catalogue_current: (o) => ({ title: "Catalogue", detail: age(o), fix: "" }),
  catalogue_stale: (o) => ({
    title: "Catalogue",
    detail: age(o),
    fix: "Connect to the internet or a neighbour once, so that newer versions are seen.",
  }),
  registry_read: ({ id, source, namespaces, days }) => ({
    title: `Registry ${id}`,
    detail: `${source} speaks for ${namespaces}. ${days < 1 ? "From today." : `${days} days old.`}`,
    fix: "",
  }),
  registry_unread: ({ id, source, namespaces }) => ({
    title: `Registry ${id}`,
    detail: `${source} speaks for ${namespaces}. Nothing of it was read yet.`,
    fix: `See that it answers and that "root" of ${id} in hearthnet.config.ts is the one that its keeper gave you.`,
  }),
  catalogue_silent: ({ registries }) => ({
    title: "Catalogue",
    detail: `${registries.map(({ id, what }) => `Registry ${id}: ${what}`).join(" ")} What was known before is shown.`,
    fix: "Check the internet connection and the registry's address; installed plugins are not affected.",
  }),
  data_filling: ({ id, usedBytes, limitBytes }) => ({
    title: `The data folder of ${id} is almost full.`,
    detail: `${mebi(usedBytes)} of ${mebi(limitBytes)} MB. Beyond ${mebi(limitBytes * 1.1)} MB the plugin is stopped.`,
    fix: `Delete in the plugin what is not needed any more, or grant it more room.`,
  }),
  neighbours: ({ online, known }) => ({ title: "Neighbours", detail: `${online} of ${known} known nodes online.`, fix: "" }),
  givers: ({ names }) => ({
    title: "Plugins from neighbours",
    detail: names === "" ? "No node in reach gives any." : `Asked where a registry is out of reach: ${names}.`,
    fix: "",
  }),
  givers_unasked: () => ({
    title: "Plugins from neighbours",
    detail: 'No neighbour is asked: "askPeers" in hearthnet.config.ts is false.',
    fix: "",
  }),
  no_community: () => ({
    title: "Neighbours",
    detail: "This node belongs to no community yet.",
    fix: "Found one with `hearthnet community create NAME`, or join one with `hearthnet join`.",
  }),
  key_conflict: ({ node, own }) => ({
    title: "One key, two nodes",
    detail: own
      ? `Another running process uses the key of this node (${node}). Neighbours speak to one of the two only.`
      : `Two running processes use the key of the neighbour ${node}; this node speaks to the first of them only.`,
    fix: own
      ? "Stop one of them. A copy of a data folder needs a key of its own: delete `keys/` in it and join again."
      : "Tell the neighbour to stop one of the two. If it has only one, its key may be stolen: revoke it.",
  }),
};
