// placeholder until src/cli.ts exists
