namespace Postern.Dns;

/// <summary>A response that belongs to our question, decoded but not yet judged.</summary>
/// <param name="IsTruncated">The TC bit: the records are not all here; ask again over TCP.</param>
/// <param name="ResponseCode">0 = no error, 3 = no such name, others = the server failed or refused (RFC 1035 §4.1.1).</param>
/// <param name="Answers">The answer section; records of types that we do not know are left out.</param>
/// <param name="Authority">The SOA record of a negative answer; null when there is none.</param>
public sealed record DnsReply(bool IsTruncated, int ResponseCode, IReadOnlyList<DnsRecord> Answers, DnsRecord? Authority)
{
    /// <summary>The response code for "no such name".</summary>
    public const int NameError = 3;

    /// <summary>More aliases in a row than this are a loop, or as bad as one.</summary>
    private const int MostAliases = 16;

    /// <summary>Longest time for which anything is remembered: servers may say 68 years.</summary>
    private static readonly TimeSpan LongestTimeToLive = TimeSpan.FromHours(1);

    /// <summary>Negative answers without an SOA record say nothing about how long they hold.</summary>
    private static readonly TimeSpan ShortestNegative = TimeSpan.FromSeconds(5);

    /// <summary>Follows the aliases within this reply and says what was found for the question.</summary>
    public DnsAnswer Judge(DnsQuestion question)
    {
        if (ResponseCode is not (0 or NameError))
            return DnsAnswer.Failure($"server answered {LookupProblem.NameOf(ResponseCode)}");

        var name = question.Name;
        var timeToLive = LongestTimeToLive;
        for (var aliases = 0; FindAlias(name) is { } alias; aliases++)
        {
            if (aliases == MostAliases)
                return DnsAnswer.Failure("too many aliases");
            timeToLive = Shorter(timeToLive, alias.TimeToLive);
            name = alias.Target;
        }

        List<DnsRecord>? found = null;
        foreach (var record in Answers)
        {
            if (record.Type != question.Type || record.Owner != name)
                continue;
            (found ??= []).Add(record);
            timeToLive = Shorter(timeToLive, record.TimeToLive);
        }

        if (found is not null)
            return new DnsAnswer(DnsOutcome.Found, found, timeToLive, null);
        if (Authority is null)
            timeToLive = Shorter(timeToLive, (uint)ShortestNegative.TotalSeconds);
        else
            timeToLive = Shorter(timeToLive, Math.Min(Authority.TimeToLive, Authority.NegativeTimeToLive));
        return new DnsAnswer(ResponseCode == NameError ? DnsOutcome.NoSuchName : DnsOutcome.NoData, [], timeToLive, null);
    }

    private DnsRecord? FindAlias(string name)
    {
        foreach (var record in Answers)
        {
            if (record.Type == DnsType.Cname && record.Owner == name)
                return record;
        }

        return null;
    }

    private static TimeSpan Shorter(TimeSpan timeToLive, uint seconds) =>
        seconds < timeToLive.TotalSeconds ? TimeSpan.FromSeconds(seconds) : timeToLive;
}
