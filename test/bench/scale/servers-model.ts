import type { Fleet } from './fleet.ts';

/** The mail servers as they see us: who is connected, and whether they answer. */
export class ServersModel {
  readonly #fleet: Fleet;
  readonly open: Int32Array;
  readonly mostOpen: Int32Array;
  readonly heldMilliseconds: Float64Array;
  readonly #now: () => number;
  readonly down: { readonly server: number; readonly from: number; readonly until: number };
  overLimit = 0;

  constructor(fleet: Fleet, down: ServersModel['down'], now: () => number) {
    this.#fleet = fleet;
    this.down = down;
    this.#now = now;
    this.open = new Int32Array(fleet.profiles.length);
    this.mostOpen = new Int32Array(fleet.profiles.length);
    this.heldMilliseconds = new Float64Array(fleet.profiles.length);
  }

  isDown(server: number): boolean {
    const now = this.#now();
    return server === this.down.server && now >= this.down.from && now < this.down.until;
  }

  /** A connection for as long as the work takes. */
  async connect<Result>(server: number, work: () => Promise<Result>): Promise<Result> {
    const open = (this.open[server] ?? 0) + 1;
    this.open[server] = open;
    if (open > (this.mostOpen[server] ?? 0)) this.mostOpen[server] = open;
    if (open > (this.#fleet.profiles[server]?.maxConnections ?? 0)) this.overLimit += 1;
    const since = this.#now();
    try {
      return await work();
    } finally {
      this.open[server] = (this.open[server] ?? 1) - 1;
      this.heldMilliseconds[server] = (this.heldMilliseconds[server] ?? 0) + this.#now() - since;
    }
  }
}
