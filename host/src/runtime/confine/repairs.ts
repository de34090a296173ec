/** What is missing for confinement and how to mend it, in the words the page and `doctor` show. @source plugin-platform §1.4 */
import type { ConfinementReport } from "../../contract/index.ts";
import type { Machine } from "./machine.ts";

export type Repair = ConfinementReport["repairs"][number];

const BUBBLEWRAP_FIX =
  "On Debian and Ubuntu run `sudo apt install bubblewrap`, on Fedora `sudo dnf install bubblewrap`, then start HearthNet again.";

export interface Obstacles {
  /** bwrap was found but the canary did not come up in it. */
  canaryFailed: boolean;
  /** What bwrap or the canary said. */
  canaryOutput: string;
  appArmorRestricted: boolean;
  userNamespacesOff: boolean;
}

export function repairsFor(machine: Machine, obstacles: Obstacles): Repair[] {
  const repairs = machine.missing.map(({ id, detail }) => missingPart(id, detail));
  if (obstacles.canaryFailed) repairs.push(blocked(machine, obstacles));
  if (machine.asRoot) {
    repairs.push({
      id: "root",
      title:
        "HearthNet runs as root. Plugins run as the unprivileged user 65534, but a fault in HearthNet itself would own the machine.",
      fix: "Run HearthNet as an ordinary user; it needs no root rights.",
    });
  }
  return repairs;
}

function missingPart(id: Machine["missing"][number]["id"], detail: string): Repair {
  switch (id) {
    case "bwrap":
      return { id, title: "bubblewrap is not installed, so plugins cannot be confined.", fix: BUBBLEWRAP_FIX };
    case "bwrap_version":
      return {
        id,
        title: `${detail} Plugins cannot be confined with it.`,
        fix: "Update bubblewrap to 0.8.0 or later (Debian 12, Ubuntu 24.04).",
      };
    case "prlimit":
    case "setpriv":
      return {
        id,
        title: `${detail} Plugins cannot be confined without it.`,
        fix: "Install util-linux: `sudo apt install util-linux`.",
      };
    case "architecture":
      return { id, title: `${detail} Plugins cannot be confined.`, fix: "Use a 64-bit x86 or ARM machine." };
    case "platform":
      return {
        id,
        title: `${detail} First-party plugins run with Node's permission model alone.`,
        fix: "Run HearthNet on Linux to run plugins of other publishers.",
      };
  }
}

function blocked(machine: Machine, { appArmorRestricted, userNamespacesOff, canaryOutput }: Obstacles): Repair {
  const said = canaryOutput === "" ? "" : ` (${canaryOutput.split("\n")[0]?.slice(0, 200) ?? ""})`;
  if (!machine.asRoot && appArmorRestricted) {
    return {
      id: "apparmor",
      title: `AppArmor keeps bubblewrap from creating user namespaces, as Ubuntu 23.10 and later do by default${said}.`,
      fix:
        "Allow it for bubblewrap: create /etc/apparmor.d/bwrap with the lines `abi <abi/4.0>,` `include <tunables/global>` " +
        "`profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }`, then run `sudo systemctl reload apparmor` and start HearthNet again.",
    };
  }
  if (!machine.asRoot && userNamespacesOff) {
    return {
      id: "userns",
      title: `This kernel does not let ordinary users create user namespaces${said}.`,
      fix: "Run `sudo sysctl -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1` (the second only on Debian), and put the same lines into /etc/sysctl.d/.",
    };
  }
  return {
    id: "sandbox",
    title: `bubblewrap is installed but could not build the sandbox${said}.`,
    fix: "In a container, start it with `--security-opt seccomp=unconfined --cap-add SYS_ADMIN`; otherwise see HearthNet's log for what bubblewrap said.",
  };
}
