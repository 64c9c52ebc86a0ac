return await GlobalCache.Live.CommandLine.RunAsync(args);
