#!/usr/bin/env node
// Starts the command line: registers the TypeScript loader of this package (the sources run as they are), then hands over.
import { register } from 'tsx/esm/api';

register();
await import(new URL('../tools/cli.ts', import.meta.url).href);
