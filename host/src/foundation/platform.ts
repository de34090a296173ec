/** The kind of machine that this is, as manifests name it: `linux-x64`. @source plugin-platform §2.1 `platforms` */
export const PLATFORM: string = `${process.platform}-${process.arch}`;
