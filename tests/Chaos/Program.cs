return await GlobalCache.Chaos.CommandLine.RunAsync(args);
