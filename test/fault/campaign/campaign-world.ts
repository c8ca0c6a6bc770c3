import { createOperatorKey } from '../../../shared/organization/operator-key.ts';
import { createRecordsTable } from '../../../shared/platform/records-table.ts';
import type { PlannedFault } from '../plan/fault-plan.ts';
import { usersPerRun } from '../scenario/cast.ts';
import { startWorld, type World } from '../world/world.ts';
import { type CaseOptions, type CaseResult, runCase } from './run-case.ts';

/** Plays run after run in one world, until its mail users have all had their turn; then in the next one. */
export class CampaignWorld {
  readonly #runsPerWorld: number;
  #world: World | undefined;
  #operatorKey = '';
  #played = 0;

  constructor(runsPerWorld: number) {
    this.#runsPerWorld = runsPerWorld;
  }

  async play(
    seed: number,
    rounds: readonly (readonly PlannedFault[])[],
    options: Omit<CaseOptions, 'operatorKey' | 'firstMailUser'> = {},
  ): Promise<CaseResult> {
    if (this.#played >= this.#runsPerWorld) await this.stop();
    this.#world ??= await this.#start();
    const firstMailUser = this.#played * usersPerRun;
    this.#played += 1;
    return runCase(this.#world, seed, rounds, { ...options, operatorKey: this.#operatorKey, firstMailUser });
  }

  async stop(): Promise<void> {
    const world = this.#world;
    this.#world = undefined;
    await world?.stop();
  }

  async #start(): Promise<World> {
    const world = await startWorld(this.#runsPerWorld * usersPerRun);
    this.#played = 0;
    this.#operatorKey = await createOperatorKey(createRecordsTable(world.document, world.recordsTable), new Date());
    return world;
  }
}
