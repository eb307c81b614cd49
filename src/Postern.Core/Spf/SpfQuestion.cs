namespace Postern.Core.Spf;

/// <summary>Record types that an SPF policy refers to; the values are those on the wire (RFC 1035 §3.2.2).</summary>
public enum SpfRecordType
{
    /// <summary>IPv4 address.</summary>
    A = 1,

    /// <summary>Reverse name.</summary>
    Reverse = 12,

    /// <summary>Mail exchanger.</summary>
    Mx = 15,

    /// <summary>Text: the policy itself, and explanations.</summary>
    Txt = 16,

    /// <summary>IPv6 address.</summary>
    Aaaa = 28,
}

/// <summary>A DNS query that an evaluation needs the answer to.</summary>
/// <param name="Name">In lower case, without the final dot.</param>
/// <param name="Type">The record type.</param>
public readonly record struct SpfQuestion(string Name, SpfRecordType Type);

/// <summary>The answer to an <see cref="SpfQuestion"/>.</summary>
/// <param name="Failed">Whether the query failed: no answer in time, SERVFAIL, REFUSED. NXDOMAIN is an empty answer, not a failure.</param>
/// <param name="Texts">TXT: one entry a record, its strings joined, a char a byte (Latin-1). PTR: names. MX: host names by preference.</param>
/// <param name="Addresses">A and AAAA.</param>
public sealed record SpfAnswer(bool Failed, IReadOnlyList<string> Texts, IReadOnlyList<IpAddress> Addresses)
{
    /// <summary>No such name, or no record of that type.</summary>
    public static SpfAnswer Empty { get; } = new(Failed: false, [], []);

    /// <summary>The query failed.</summary>
    public static SpfAnswer Failure { get; } = new(Failed: true, [], []);

    /// <summary>Whether there is no record (RFC 7208 §4.6.4 counts such look-ups).</summary>
    public bool IsVoid => !Failed && Texts.Count == 0 && Addresses.Count == 0;
}

/// <summary>The DNS answers that are known so far.</summary>
public interface ISpfAnswers
{
    /// <returns>Null: not known yet; the evaluation stops and names the question.</returns>
    SpfAnswer? Find(SpfQuestion question);
}
