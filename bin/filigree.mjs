#!/usr/bin/env node
// Starts the command line.
import { load } from './load.mjs';

if (process.argv.includes('--debug')) process.setSourceMapsEnabled(true);
const { main } = await load('cli');
await main(load);
