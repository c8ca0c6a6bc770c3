import { createIncomingRunner } from '../../shared/tracking/incoming-runner.ts';
import { createLaneServices } from '../common/create-lane-services.ts';
import { createCycleLaneHandler } from '../common/cycle-lane-handler.ts';
import { readLaneEnvironment } from '../common/read-lane-environment.ts';

const services = createLaneServices(readLaneEnvironment());

export const handler = createCycleLaneHandler('incoming', services, createIncomingRunner(services));
