namespace Postern.Tests;

/// <summary>Tests that run when no others do, since they look at what the whole process costs.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
