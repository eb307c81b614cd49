using Postern.Core;
using Postern.Core.Spf;
using Postern.Dns;

namespace Postern.Providers;

/// <summary>
/// Keeps the SPF policies of the providers, each read anew when its DNS answers have expired; the last good one counts as
/// long as DNS does not answer. Reading is the business of tasks of its own; the loop only looks at what is there.
/// </summary>
public sealed class ProviderDirectory : IDisposable
{
    private const int MaxClientQuestions = 22;
    private const int MaxClientsAsked = 32;
    private const int MaxClientsRemembered = 10_000;
    private static readonly TimeSpan ShortestLife = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ClientLife = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(5);

    private readonly IDnsResolver _resolver;
    private readonly TimeProvider _clock;
    private readonly Action<LogSeverity, string> _log;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Dictionary<(IpAddress, string), (SpfResult Result, DateTimeOffset Until)> _clients = [];
    private readonly HashSet<(IpAddress, string)> _asked = [];

    private sealed class Entry(CancellationTokenSource reading)
    {
        public CancellationTokenSource Reading => reading;

        public ProviderPolicy? Policy { get; set; }

        public DateTimeOffset? Answered { get; set; }

        public string? Problem { get; set; }
    }

    /// <param name="resolver">Asked on other threads than the loop's.</param>
    /// <param name="clock">For expiry.</param>
    /// <param name="log">May be called on any thread.</param>
    public ProviderDirectory(IDnsResolver resolver, TimeProvider clock, Action<LogSeverity, string> log) => (_resolver, _clock, _log) = (resolver, clock, log);

    /// <summary>Begins to keep these domains, and forgets all others.</summary>
    public void Configure(IReadOnlyCollection<string> domains)
    {
        lock (_lock)
        {
            foreach (var gone in _entries.Keys.Except(domains).ToList())
            {
                _entries[gone].Reading.Cancel();
                _entries.Remove(gone);
            }

            foreach (var domain in domains)
            {
                if (_entries.ContainsKey(domain))
                    continue;
                var reading = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
                var entry = _entries[domain] = new Entry(reading);
                _ = Task.Run(() => KeepAsync(domain, entry, reading.Token), CancellationToken.None);
            }
        }
    }

    /// <summary>The state of all providers, in the order of their names.</summary>
    public IReadOnlyList<ProviderState> States
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries.OrderBy(static entry => entry.Key, StringComparer.Ordinal).Select(static entry => new ProviderState(
                    entry.Key, entry.Value.Policy?.Ranges ?? 0, entry.Value.Policy?.DependsOnClient ?? false, entry.Value.Answered, entry.Value.Problem))];
            }
        }
    }

    /// <summary>Whether the provider's policy passes the address, as far as is known now; what is not known is asked for.</summary>
    public bool Passes(string domain, IpAddress address)
    {
        ProviderPolicy? policy;
        lock (_lock)
            policy = _entries.GetValueOrDefault(domain)?.Policy;
        if (policy is null || !policy.MayPass(address))
            return false;
        var outcome = SpfCheck.Evaluate(new SpfClient(address), domain, policy);
        if (outcome.Result is { } result)
            return result is SpfResult.Pass;
        return Recall(policy, address) is SpfResult.Pass;
    }

    /// <summary>What one service lets pass.</summary>
    public IProviders Of(IReadOnlyList<Provider> providers) => new View(this, providers);

    /// <inheritdoc />
    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    /// <summary>Reads the whole policy of a domain.</summary>
    /// <returns>The policy, or why there is none, and how long the answers may be remembered.</returns>
    public static async Task<(ProviderPolicy? Policy, string? Problem, TimeSpan TimeToLive)> ReadAsync(
        string domain, IDnsResolver resolver, CancellationToken cancellation)
    {
        Dictionary<SpfQuestion, SpfAnswer> answers = [];
        var life = TimeSpan.MaxValue;
        while (true)
        {
            var policy = ProviderPolicy.Read(domain, answers, out var missing, out var problem);
            if (policy is not null || problem is not null)
                return (policy, problem, life);
            if (answers.Count == ProviderPolicy.MaxQuestions)
                return (null, $"the SPF policy of {domain} asks for more than {ProviderPolicy.MaxQuestions} records", life);
            var answer = await AskAsync(missing, resolver, cancellation).ConfigureAwait(false);
            answers[missing] = answer.Spf;
            life = answer.TimeToLive < life ? answer.TimeToLive : life;
        }
    }

    /// <summary>Evaluates a policy for a client, asking DNS for what depends on the client.</summary>
    /// <returns>Null: DNS was too slow.</returns>
    public static async Task<SpfResult?> EvaluateAsync(ProviderPolicy policy, IpAddress address, IDnsResolver resolver, CancellationToken cancellation)
    {
        var known = new ClientAnswers(policy);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(ClientPatience);
        try
        {
            for (var questions = 0; questions < MaxClientQuestions; questions++)
            {
                var outcome = SpfCheck.Evaluate(new SpfClient(address), policy.Domain, known);
                if (outcome.Result is not null)
                    return outcome.Result;
                known.Add(outcome.Missing, (await AskAsync(outcome.Missing, resolver, patience.Token).ConfigureAwait(false)).Spf);
            }
        }
        catch (OperationCanceledException)
        {
            // too slow: the client is tested, and asked about again when it comes back
        }

        return null;
    }

    private static async Task<(SpfAnswer Spf, TimeSpan TimeToLive)> AskAsync(SpfQuestion question, IDnsResolver resolver, CancellationToken cancellation)
    {
        var answer = await resolver.LookUpAsync(question.Name, (DnsType)question.Type, cancellation).ConfigureAwait(false);
        var spf = answer.Outcome switch
        {
            DnsOutcome.TemporaryFailure => SpfAnswer.Failure,
            DnsOutcome.Found => new SpfAnswer(
                Failed: false,
                question.Type switch
                {
                    SpfRecordType.Txt => [.. answer.Records.Select(static record => record.Text)],
                    SpfRecordType.Mx => [.. answer.Records.OrderBy(static record => record.Preference).Select(static record => record.Target)],
                    SpfRecordType.Reverse => [.. answer.Records.Select(static record => record.Target)],
                    _ => [],
                },
                question.Type is SpfRecordType.A or SpfRecordType.Aaaa ? [.. answer.Records.Select(static record => record.Address)] : []),
            _ => SpfAnswer.Empty,
        };
        return (spf, answer.TimeToLive);
    }

    private async Task KeepAsync(string domain, Entry entry, CancellationToken cancellation)
    {
        try
        {
            while (true)
                await Task.Delay(await RefreshAsync(domain, entry, cancellation).ConfigureAwait(false), _clock, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // no longer wanted
        }
    }

    /// <summary>Reads a provider's policy now, and not when it expires.</summary>
    internal Task RefreshAsync(string domain)
    {
        lock (_lock)
            return RefreshAsync(domain, _entries[domain], _end.Token);
    }

    private async Task<TimeSpan> RefreshAsync(string domain, Entry entry, CancellationToken cancellation)
    {
        var (policy, problem, life) = await ReadAsync(domain, _resolver, cancellation).ConfigureAwait(false);
        Take(domain, entry, policy, problem);
        return problem is not null || life < ShortestLife ? ShortestLife : life;
    }

    private void Take(string domain, Entry entry, ProviderPolicy? policy, string? problem)
    {
        bool isNews;
        lock (_lock)
        {
            isNews = problem != entry.Problem;
            entry.Problem = problem;
            if (policy is not null)
                (entry.Policy, entry.Answered) = (policy, _clock.GetUtcNow());
        }

        if (isNews && problem is not null)
            _log(LogSeverity.Warning, $"provider {domain}: {problem} -- {(entry.Policy is null ? "its servers are tested like any client" : "using the policy read before")}");
        else if (isNews)
            _log(LogSeverity.Info, $"provider {domain}: its SPF policy can be read again");
    }

    /// <summary>The answer about this very client, if DNS was asked before; else it is asked now, for the client's next step.</summary>
    private SpfResult? Recall(ProviderPolicy policy, IpAddress address)
    {
        var key = (address, policy.Domain);
        lock (_lock)
        {
            if (_clients.TryGetValue(key, out var known) && known.Until > _clock.GetUtcNow())
                return known.Result;
            if (_asked.Count >= MaxClientsAsked || !_asked.Add(key))
                return null;
        }

        _ = Task.Run(() => AskAboutAsync(policy, address), CancellationToken.None);
        return null;
    }

    private async Task AskAboutAsync(ProviderPolicy policy, IpAddress address)
    {
        var key = (address, policy.Domain);
        var result = await EvaluateAsync(policy, address, _resolver, _end.Token).ConfigureAwait(false);
        lock (_lock)
        {
            _asked.Remove(key);
            if (result is not { } found || found is SpfResult.TempError)
                return;
            if (_clients.Count >= MaxClientsRemembered)
                _clients.Clear();
            _clients[key] = (found, _clock.GetUtcNow() + ClientLife);
        }
    }

    private sealed class ClientAnswers(ProviderPolicy policy) : ISpfAnswers
    {
        private readonly Dictionary<SpfQuestion, SpfAnswer> _own = [];

        public void Add(SpfQuestion question, SpfAnswer answer) => _own[question] = answer;

        public SpfAnswer? Find(SpfQuestion question) => policy.Find(question) ?? _own.GetValueOrDefault(question);
    }

    private sealed class View(ProviderDirectory directory, IReadOnlyList<Provider> providers) : IProviders
    {
        public Provider? Find(IpAddress address, bool permitOnly)
        {
            Provider? found = null;
            foreach (var provider in providers)
            {
                // All are looked at when the client connects: what depends on it is then known when its wait is over.
                if (directory.Passes(provider.Domain, address) && (provider.IsPermit || !permitOnly))
                    found ??= provider;
            }

            return found;
        }
    }
}
