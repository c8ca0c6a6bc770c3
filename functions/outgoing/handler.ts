import { createOutgoingRunner } from '../../shared/email/outgoing-runner.ts';
import { laneMetricNames } from '../../shared/platform/metric-names.ts';
import { createLaneServices } from '../common/create-lane-services.ts';
import { createCycleLaneHandler } from '../common/cycle-lane-handler.ts';
import { count } from '../common/lane-handler.ts';
import { readLaneEnvironment } from '../common/read-lane-environment.ts';

const services = createLaneServices(readLaneEnvironment());

export const handler = createCycleLaneHandler('outgoing', services, (counts) =>
  createOutgoingRunner({
    ...services,
    onUnconfirmed: (recipients) => count(counts, laneMetricNames.unconfirmedSends, recipients),
  }),
);
