// Made by `hearthnet plugin types` from hearthnet.plugin.json and its schemas.

export interface Manifest {
  config: {
    /** Greeting */
    greeting: string;
  };
  capabilities: {
    "__PREFIX__.greet@1.0": {
      params: Record<string, never>;
      input: {
        name: string;
      };
      output: {
        text: string;
        count: number;
      };
    };
  };
}
