namespace GlobalCache.Tests.Support;

/// <summary>Tests that measure or load the machine run one after another, with nothing beside them.</summary>
[CollectionDefinition("load", DisableParallelization = true)]
public sealed class Load;
