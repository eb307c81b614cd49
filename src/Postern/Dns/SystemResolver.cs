namespace Postern.Dns;

/// <summary>A <see cref="StubResolver"/> for the servers that resolv.conf(5) names at the time of each query.</summary>
/// <param name="file">Used by this resolver alone.</param>
/// <param name="clock">The time.</param>
internal sealed class SystemResolver(ResolverFile file, TimeProvider clock) : IDnsResolver
{
    private readonly Lock _lock = new();
    private readonly ResolverFile _file = file;
    private StubResolver? _resolver;

    /// <inheritdoc />
    public Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation)
    {
        StubResolver resolver;
        lock (_lock)
        {
            if (_file.Refresh() || _resolver is null)
                _resolver = new StubResolver(_file.Configuration, clock);
            resolver = _resolver;
        }

        return resolver.LookUpAsync(name, type, cancellation);
    }
}
