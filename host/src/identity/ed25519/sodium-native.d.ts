/** The package brings no types of its own; what is used of it stands in `native.ts`. */
declare module "sodium-native" {
  const sodium: import("./native.ts").NativeSodium;
  export default sodium;
}
