namespace Postern.Dns;

/// <summary>
/// Asks the recursive servers of resolv.conf(5), one after the other, and remembers what they said. May be used by several
/// threads at once.
/// </summary>
/// <remarks>It follows aliases only as far as the server answered them: that is what a recursive server is for.</remarks>
public sealed class StubResolver(ResolverConfiguration configuration, TimeProvider clock) : IDnsResolver
{
    private const int MostCached = 1000;

    private readonly Lock _cacheLock = new();
    private readonly DnsCache _cache = new(MostCached);
    private readonly long _started = clock.GetTimestamp();

    /// <inheritdoc />
    public async Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation)
    {
        var question = new DnsQuestion(Normalize(name), type);
        lock (_cacheLock)
        {
            if (_cache.Find(question, Now) is { } remembered)
                return remembered;
        }

        var answer = await AskServersAsync(question, cancellation).ConfigureAwait(false);
        lock (_cacheLock)
            _cache.Remember(question, answer, Now);
        return answer;
    }

    private TimeSpan Now => clock.GetElapsedTime(_started);

    private async Task<DnsAnswer> AskServersAsync(DnsQuestion question, CancellationToken cancellation)
    {
        var failure = DnsAnswer.Failure("no name server");
        for (var attempt = 0; attempt < configuration.Attempts; attempt++)
        {
            foreach (var server in configuration.Servers)
            {
                using var patience = new CancellationTokenSource(configuration.Timeout, clock);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
                try
                {
                    var answer = await DnsExchange.AskAsync(server, question, withEdns: attempt == 0, either.Token).ConfigureAwait(false);
                    if (answer.Outcome != DnsOutcome.TemporaryFailure)
                        return answer with { Server = server };
                    failure = answer with { Server = server, Problem = $"{server}: {answer.Problem}" };
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    failure = DnsAnswer.Failure($"{server}: timeout") with { Server = server }; // only this server's time is over: try the next
                }
            }
        }

        return failure;
    }

    private static string Normalize(string name) =>
        string.Create(name.EndsWith('.') ? name.Length - 1 : name.Length, name, static (lower, name) =>
        {
            for (var i = 0; i < lower.Length; i++)
                lower[i] = char.IsAsciiLetterUpper(name[i]) ? (char)(name[i] | 0x20) : name[i];
        });
}
