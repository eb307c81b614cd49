namespace Postern.Interop.Tests.Harness;

/// <summary>Tests that start real daemons: one after the other, since a loaded machine makes timing tests lie.</summary>
[CollectionDefinition(nameof(InteropCollection), DisableParallelization = true)]
public sealed class InteropCollection;
