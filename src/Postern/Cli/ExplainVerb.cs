using System.Globalization;
using System.Text.Json;
using Postern.Checks;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Checks;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Screening;
using Postern.Core.Spf;
using Postern.Core.Tables;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Events;
using Postern.Native;
using Postern.Providers;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Cli;

/// <summary>What <c>postern explain</c> is asked.</summary>
/// <param name="Directory">Such as <c>/etc/postfix</c>.</param>
/// <param name="Address">The client's, as text.</param>
/// <param name="Service">The first field of its line of master.cf; null: the first one that screens.</param>
/// <param name="From">Of the past only this sender; null: any.</param>
/// <param name="To">Of the past only this recipient; null: any.</param>
internal sealed record ExplainQuery(string Directory, string Address, string? Service, string? From, string? To);

/// <summary>
/// <c>postern explain</c>: goes the way that a client would go now, step by step, with the same tables, records and DNS
/// lists; then what the event log has of it, and how to let it in.
/// </summary>
internal sealed class ExplainVerb
{
    private const int MostEvents = 3;

    private readonly ExplainQuery _query;
    private readonly Configuration _configuration;
    private readonly ScreeningService _service;
    private readonly Settings _settings;
    private readonly IpAddress _client;
    private readonly TextWriter _output;
    private readonly bool _mayDrop;
    private readonly SessionActions _warnings = new();
    private int _said = -1; // the warning that was said already

    private ExplainVerb(ExplainQuery query, Configuration configuration, ScreeningService service, IpAddress client, TextWriter output, bool mayDrop) =>
        (_query, _configuration, _service, _settings, _client, _output, _mayDrop) = (query, configuration, service, service.Settings, client, output, mayDrop);

    /// <returns>The exit status: 1 when the question cannot be answered.</returns>
    public static int Run(ExplainQuery query, TextWriter output, TextWriter errors)
    {
        return Run(query, ListsCheck.ResolverOfSystem(problem => errors.WriteLine($"postern explain: {problem}")), output, errors, mayDrop: true);
    }

    internal static int Run(ExplainQuery query, IDnsResolver resolver, TextWriter output, TextWriter errors, bool mayDrop = false)
    {
        if (!IpAddress.TryParse(query.Address, out var client))
        {
            errors.WriteLine($"postern explain: {query.Address} is no IP address");
            return 1;
        }

        var configuration = Configuration.Load(query.Directory, new TextFiles(), HostFactsReader.Read(), HostTableTypes.For);
        if (configuration.HasErrors)
        {
            CheckVerb.PrintProblems(configuration.Problems, errors);
            return 1;
        }

        if (configuration.Services.FirstOrDefault(service => query.Service is null || service.Name == query.Service) is not { } chosen)
        {
            errors.WriteLine($"postern explain: no screening service {query.Service} in master.cf; there are: {string.Join(", ", configuration.Services.Select(static service => service.Name))}");
            return 1;
        }

        new ExplainVerb(query, configuration, chosen, client, output, mayDrop).Explain(resolver);
        return 0;
    }

    private void Explain(IDnsResolver resolver)
    {
        var asked = AskListsAsync(resolver);
        var search = new ReverseSearch(_client);
        var reverse = LookUpAsync(resolver, search.First);
        _output.WriteLine(_client);
        var name = reverse.GetAwaiter().GetResult();
        Say("reverse name", name.Outcome is DnsOutcome.Found ? Printable(name.Records[0].Target) : Words(name));
        var kind = SayClass(resolver, search, name);

        var verdict = SayAccessList(out var isWhole);
        var advice = verdict is AccessVerdict.Permit ? [] : FindAdvice(isWhole).ToList(); // while we may read everything
        var provider = verdict is AccessVerdict.Undecided ? SayProvider(resolver) : null;
        var record = FindRecord();
        var score = SayLists(asked.GetAwaiter().GetResult());
        for (var i = 0; i < _warnings.Count; i++)
        {
            if (i != _said)
                Say("warning", WarningAt(i));
        }

        Say("now", Predict(verdict, provider, record, score, kind));
        SayPast();
        foreach (var (what, text) in advice)
            Say(what, text);
    }

    private Provider? SayProvider(IDnsResolver resolver)
    {
        Provider? found = null;
        foreach (var provider in _settings.Providers)
        {
            var (policy, problem, _) = ProviderDirectory.ReadAsync(provider.Domain, resolver, CancellationToken.None).GetAwaiter().GetResult();
            var result = policy is null || !policy.MayPass(_client) ? null
                : ProviderDirectory.EvaluateAsync(policy, _client, resolver, CancellationToken.None).GetAwaiter().GetResult();
            if (problem is not null)
                Say("provider", $"{provider.Domain}: {problem}");
            if (result is SpfResult.Pass && (found is null || provider.IsPermit && !found.IsPermit))
                found = provider;
        }

        if (_settings.Providers.Count > 0)
            Say("provider", found is null ? "none of postern_provider_passes" : $"{found.Domain}: its SPF policy passes the address; {(found.IsPermit ? "no tests" : "no tests after the greeting")}");
        return found;
    }

    /// <param name="isWhole">Whether the list could be asked to its end.</param>
    private AccessVerdict SayAccessList(out bool isWhole)
    {
        var before = _warnings.Count;
        var verdict = _settings.AccessList.Explain(_client, _warnings, out var decider);
        isWhole = verdict is not AccessVerdict.Undecided || _warnings.Count == before;
        if (!isWhole)
        {
            Say("access list", $"fails: {WarningAt(before)}");
            _said = before;
            return verdict;
        }

        var line = EntryAdvice.PathOf(decider) is { } path && new TextFiles().TryRead(path, out var file, out _) ? CidrTable.FindLine(file.Text, _client) : null;
        Say("access list", verdict is AccessVerdict.Undecided ? "says nothing" : $"{(verdict is AccessVerdict.Permit ? "permit" : "reject")}, by {decider}{(line is null ? "" : $", line {line}")}"
            + (verdict is AccessVerdict.Reject && _settings.DenylistAction is FailAction.Ignore ? "; postscreen_denylist_action is ignore, so that is only logged" : ""));
        return verdict;
    }

    private string WarningAt(int index) => System.Text.Encoding.Latin1.GetString(_warnings.BytesOf(_warnings[index]));

    private TestExpiry? FindRecord()
    {
        if (_settings.CacheMap is null)
        {
            Say("remembered", "nothing is: postscreen_cache_map is empty");
            return null;
        }

        using var records = AllowlistVerb.Open(_configuration, _settings, _mayDrop, out var problem);
        TestExpiry? record = null;
        problem ??= records!.Find(_client, out record);
        Say("remembered", problem ?? (record is { } known ? AllowlistVerb.Describe(known, _settings, DateTimeOffset.UtcNow) : "no: it is not known"));
        return record is { } found ? ExpiryRules.Believed(found, ScreeningTest.LifetimesIn(_settings).Longest, DateTimeOffset.UtcNow) : null;
    }

    private Task<(ListProbe Probe, DnsAnswer Answer)[]> AskListsAsync(IDnsResolver resolver) =>
        Task.WhenAll((_settings.DnsblSites?.Lists ?? []).Select(async list =>
        {
            var answer = LookUpAsync(resolver, new DnsQuestion(DnsblQuery.Text(_client, list.Domain), DnsType.A));
            return (await ListProbe.AskAsync(resolver, list, _settings.DnsblSites!.CountsErrorAnswers, _settings.DnsblTimeout).ConfigureAwait(false), await answer.ConfigureAwait(false));
        }));

    private Task<DnsAnswer> LookUpAsync(IDnsResolver resolver, DnsQuestion question) => ListProbe.LookUpAsync(resolver, question, _settings.DnsblTimeout);

    private DnsblScore? SayLists((ListProbe Probe, DnsAnswer Answer)[] answers)
    {
        if (_settings.DnsblSites is not { } sites)
            return null;
        var score = new ClientAddressState(_client).JoinDnsbl(sites);
        score.Start(answers.Length);
        foreach (var (probe, answer) in answers)
        {
            var (list, before) = (probe.List, score.Score);
            var counts = probe.Counts || _settings.DnsblCheckInterval == TimeSpan.Zero;
            uint[] addresses = [.. answer.Records.Where(static record => record.Type is DnsType.A).Select(static record => record.Address.IPv4Bits)];
            score.Add(list, counts ? addresses : [], -1);
            var listed = string.Join(", ", addresses.Select(static address => IpAddress.FromIPv4(address).ToString()));
            Say("DNS list", $"{list.Domain}: {(addresses.Length > 0 ? $"{listed}, weight {score.Score - before}" : Words(answer))}");
            if (!probe.IsTrouble || (probe.Finding is ListFinding.Unanswered && addresses.Length == 0))
                continue;
            Say("", $"{(counts ? "" : "that does not count: ")}{list.Domain}: {probe.Text}");
            if (probe.Remedy is { } remedy)
                Say("", remedy);
        }

        Say("score", $"{score.Score}, threshold {_settings.DnsblThreshold}: {(score.Score >= _settings.DnsblThreshold ? "fails" : "passes")}");
        return score;
    }

    /// <summary>For which slow lane the client is, where there are any.</summary>
    private RdnsKind? SayClass(IDnsResolver resolver, ReverseSearch search, DnsAnswer names)
    {
        if (_settings.Lanes is not { } lanes)
            return null;
        for (var question = search.Take(names); question is { } next;)
            question = search.Take(LookUpAsync(resolver, next).GetAwaiter().GetResult());
        var verdict = lanes.Rules.Classify(search.Result, _warnings);
        Say("class", $"{verdict.Word} ({verdict.Why})");
        return verdict.Kind;
    }

    private string Predict(AccessVerdict verdict, Provider? provider, TestExpiry? record, DnsblScore? score, RdnsKind? kind)
    {
        if (verdict is AccessVerdict.Permit)
            return "goes to the mail server at once";
        if (provider is { IsPermit: true })
            return $"goes to the mail server at once: {provider.Domain}=permit";
        if (verdict is AccessVerdict.Reject && _settings.DenylistAction is FailAction.Drop)
            return "is hung up on with 521 5.3.2 (postscreen_denylist_action = drop)";
        if (verdict is AccessVerdict.Reject && _settings.DenylistAction is FailAction.Enforce)
            return "every recipient is rejected with 550 5.3.2 (postscreen_denylist_action = enforce)";

        var now = CacheRecord.Seconds(DateTimeOffset.UtcNow);
        var due = ScreeningTest.All.Where(test => test.IsEnabled(_settings) && now > test.ExpiryIn(record ?? default)).ToList();
        if (provider is not null)
            due.RemoveAll(static test => !test.IsEarly);
        if (due.Count == 0)
            return "goes to the mail server at once: no test is due";
        var steps = new List<string> { $"tests are due: {string.Join(", ", due.Select(static test => test.Name))}" };
        if (due.Any(static test => test.IsEarly))
            steps.Add(string.Create(CultureInfo.InvariantCulture, $"it waits {_settings.GreetWait.TotalSeconds:0.##} s (postscreen_greet_wait); if it talks, postscreen_greet_action is {Word(_settings.GreetAction)}"));
        if (due.Contains(ScreeningTest.Pregreet) && kind is { } named && _settings.Lanes!.Waits.Of(named) is var wait && wait > _settings.GreetWait)
            steps.Add(string.Create(CultureInfo.InvariantCulture, $"it goes on waiting in the slow lane until {wait.TotalSeconds:0} s have passed"));
        if (due.Contains(ScreeningTest.Dnsbl) && score?.Score >= _settings.DnsblThreshold)
            steps.Add($"it fails the DNS list test: postscreen_dnsbl_action is {Word(_settings.DnsblAction)}");
        steps.Add(due.TrueForAll(static test => test.IsEarly) ? "if it passes, it goes to the mail server"
            : _settings.LiveHandover ? "if it passes, it goes to the mail server with its first recipient (postern_live_handover)"
            : "if it passes, it hears 450 4.3.2 for its recipients and is known at its next visit");
        return string.Join("; ", steps);
    }

    private void SayPast()
    {
        if (_configuration.Process!.EventLog is not { } path)
        {
            Say("last time", "unknown: postern_event_log is empty");
            return;
        }

        try
        {
            var events = EventReader.FindLast(path, _client.ToString(), _query.From, _query.To, MostEvents);
            if (events.Count == 0)
                Say("last time", $"nothing in {path}{(_query.From is null && _query.To is null ? "" : " of such a mail")}");
            foreach (var past in events)
                Say("last time", Describe(past));
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            Say("last time", $"{path}: {Errno.ReasonOf(reason)}");
        }
        catch (InvalidOperationException)
        {
            Say("last time", $"unknown: {path} has lines that Postern did not write");
        }
    }

    // Strings where strings should be: others may have written into the file, too.
    private static string Describe(JsonElement past)
    {
        var reasons = string.Join(", ", Texts("reasons"));
        var time = DateTimeOffset.TryParse(Text("time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : "once";
        var words = $"{time} {Text("outcome")}";
        words += Text("let_in_by") is { Length: > 0 } entrance ? $" ({entrance})" : reasons.Length > 0 ? $" ({reasons})" : "";
        words = words.Replace('_', ' ');
        if (Text("sender") is { } sender)
            words += $", from <{sender}>";
        if (Texts("recipients") is { Count: > 0 } recipients)
            words += $", to {string.Join(", ", recipients.Select(static recipient => $"<{recipient}>"))}";
        return Text("reply") is { } reply ? $"{words}: {reply}" : words;

        string? Text(string name) => past.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? Printable(value.GetString()!) : null;

        List<string> Texts(string name) => past.TryGetProperty(name, out var values) && values.ValueKind is JsonValueKind.Array
            ? [.. values.EnumerateArray().Where(static value => value.ValueKind is JsonValueKind.String).Select(static value => Printable(value.GetString()!))] : [];
    }

    /// <param name="isWhole">Whether the access list could be asked to its end.</param>
    private IEnumerable<(string What, string Text)> FindAdvice(bool isWhole)
    {
        var files = new TextFiles();
        var host = HostFactsReader.Read();
        var list = ParameterListing.Load(_query.Directory, files, host, _service.Name, []).TextOf("postscreen_access_list");
        var advice = new EntryAdvice(_client, _service, list, files, (changed, overrides) => Configuration.Load(_query.Directory, changed, host, HostTableTypes.For, overrides: overrides));
        var first = isWhole ? "" : "; first mend what fails";
        if (advice.FindUnreached() is { } unreached)
            yield return ("not reached", $"{unreached} would let it in{first}");
        else if (!isWhole)
            yield return ("not reached", $"what follows in postscreen_access_list{first}");
        yield return ("to let it in", advice.Find(_configuration.Directory) ?? $"no rule does it; postern check -c {_configuration.Directory} says what is wrong");
    }

    private void Say(string what, string text) => _output.WriteLine($"  {what,-13} {text}");

    private static string Words(DnsAnswer answer) => answer.Outcome is DnsOutcome.TemporaryFailure ? $"unknown: {answer.Problem}" : answer.Outcome is DnsOutcome.Found ? "" : "no";

    private static string Word(FailAction action) => action.ToString().ToLowerInvariant();

    // For a terminal; what is not Latin-1 could not be written.
    private static string Printable(string text) => string.Concat(text.Select(static one => char.IsControl(one) || one > '\xff' ? '?' : one));
}
