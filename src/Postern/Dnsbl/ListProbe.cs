using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Dns;

namespace Postern.Dnsbl;

/// <summary>A DNS list that was asked once for 127.0.0.1 and 127.0.0.2, for somebody who wants to know how it is.</summary>
internal sealed class ListProbe
{
    private readonly DnsAnswer _loopback, _testEntry;

    private ListProbe(DnsblList list, bool withErrors, DnsAnswer loopback, DnsAnswer testEntry)
    {
        (List, _loopback, _testEntry) = (list, loopback, testEntry);
        Finding = ListDiagnosis.Of(Judge(loopback, withErrors, isTestEntry: false), Judge(testEntry, withErrors, isTestEntry: true), ListDiagnosis.ExplainsRebinding(testEntry.Explanation));
    }

    /// <summary>The list.</summary>
    public DnsblList List { get; }

    /// <summary>What its answers say of it.</summary>
    public ListFinding Finding { get; }

    /// <summary>Whether it counts, or would after the daemon's check.</summary>
    public bool Counts => Finding is ListFinding.Healthy or ListFinding.NoTestEntry or ListFinding.Hidden or ListFinding.PerhapsHidden;

    /// <summary>Whether there is something to be done about it.</summary>
    public bool IsTrouble => Finding is not (ListFinding.Healthy or ListFinding.NoTestEntry) || LacksKey;

    /// <summary>What it answers, and what that means.</summary>
    public string Text => Finding switch
    {
        ListFinding.Healthy => $"healthy: it lists 127.0.0.2, its test entry ({Addresses(_testEntry)}), and not 127.0.0.1; {Resolver} answers",
        ListFinding.NoTestEntry when LacksKey => $"lists nothing, not even 127.0.0.2, its test entry; {Resolver} answers. Lists of this family answer their customers only, by the key in the name",
        ListFinding.NoTestEntry => $"answers; it does not list 127.0.0.2, the test entry, as lists of good senders and private ones often do not; {Resolver} answers",
        ListFinding.ListsEverybody => $"lists 127.0.0.1 ({Addresses(_loopback)}), as no list may, and so perhaps everybody: it does not count; {Resolver} answers",
        ListFinding.DoesNotServeUs => $"does not serve us: {Resolver} answers {Addresses(Refusal)}, {ErrorAnswer.Meaning(Refusal.Records[0].Address.IPv4Bits)}",
        ListFinding.Hidden => $"{Resolver} answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with {(_testEntry.ErrorCode > 0 ? Error(_testEntry) : "no address")}: "
            + "it seems to protect against DNS rebinding, so that listings do not get here and refuse nobody",
        ListFinding.PerhapsHidden => $"{Resolver} answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with {Error(_testEntry)}: if that is no passing trouble, "
            + "it protects against DNS rebinding, so that listings do not get here and refuse nobody",
        _ => $"no answer: {(_loopback.Problem ?? _testEntry.Problem) ?? "in time"}{(RefusesAll ? ", the resolver or the list: some lists serve only who has registered the resolver's address, or has a key in the name" : "")}",
    };

    /// <summary>What to do about it; null: nothing, or nothing that is known.</summary>
    public string? Remedy => Finding switch
    {
        ListFinding.Hidden or ListFinding.PerhapsHidden => ListDiagnosis.RebindRemedy(List.Domain),
        ListFinding.NoTestEntry or ListFinding.Unanswered when LacksKey => $"write KEY.{List.Domain}, with the key that the list has given you",
        ListFinding.ListsEverybody => "see whether the list still exists; else remove it from postscreen_dnsbl_sites",
        ListFinding.DoesNotServeUs => "ask it through a resolver of your own, as many lists demand; see the list's terms of use",
        _ => null,
    };

    private string Resolver => (_testEntry.Server ?? _loopback.Server) is { } server ? LookupProblem.NameOf(server) : "the resolver";

    private DnsAnswer Refusal => IsErrorAnswer(_loopback) ? _loopback : _testEntry;

    private bool RefusesAll => _loopback.ErrorCode == 5;

    private bool LacksKey => ListName.LacksKey(List.Domain);

    /// <summary>Asks a list.</summary>
    /// <param name="patience">For both questions, which are asked at the same time.</param>
    public static async Task<ListProbe> AskAsync(IDnsResolver resolver, DnsblList list, bool withErrors, TimeSpan patience)
    {
        var answers = await Task.WhenAll(LookUpAsync(resolver, QuestionFor(0x7f000001), patience), LookUpAsync(resolver, QuestionFor(0x7f000002), patience)).ConfigureAwait(false);
        return new ListProbe(list, withErrors, answers[0], answers[1]);

        DnsQuestion QuestionFor(uint address) => new(DnsblQuery.Text(IpAddress.FromIPv4(address), list.Domain), DnsType.A);
    }

    /// <summary>Asks a question; who is not answered in time has a failure.</summary>
    internal static async Task<DnsAnswer> LookUpAsync(IDnsResolver resolver, DnsQuestion question, TimeSpan patience)
    {
        using var end = new CancellationTokenSource(patience);
        try
        {
            return await resolver.LookUpAsync(question.Name, question.Type, end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return DnsAnswer.Failure("no answer in time");
        }
    }

    private ListAnswer Judge(DnsAnswer answer, bool withErrors, bool isTestEntry) => answer.Outcome switch
    {
        DnsOutcome.TemporaryFailure => answer.ErrorCode > 0 ? ListAnswer.Failed : ListAnswer.Silent,
        DnsOutcome.NoSuchName => ListAnswer.NotListed,
        DnsOutcome.NoData => ListAnswer.Empty,
        _ when answer.Records.Any(record => isTestEntry ? !List.IsErrorAnswer(record.Address.IPv4Bits) : List.Counts(record.Address.IPv4Bits, withErrors)) => ListAnswer.Listed,
        _ => !withErrors && IsErrorAnswer(answer) ? ListAnswer.ErrorCode : ListAnswer.NotListed,
    };

    private bool IsErrorAnswer(DnsAnswer answer) => answer.Records.Any(record => record.Type is DnsType.A && List.IsErrorAnswer(record.Address.IPv4Bits));

    private static string Addresses(DnsAnswer answer) => string.Join(", ", answer.Records.Select(static record => record.Address.ToString()));

    private static string Error(DnsAnswer answer) => $"{LookupProblem.NameOf(answer.ErrorCode)}{(answer.Explanation is null ? "" : $" ({answer.Explanation})")}";
}
