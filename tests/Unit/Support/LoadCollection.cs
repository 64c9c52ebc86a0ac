namespace GlobalCache.Tests.Support;

/// <summary>Tests that need the machine for themselves: they run after all others, one at a time.</summary>
[CollectionDefinition("load", DisableParallelization = true)]
public sealed class LoadDefinition;
