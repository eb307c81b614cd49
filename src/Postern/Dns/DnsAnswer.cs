using System.Net;

namespace Postern.Dns;

/// <summary>What a lookup found.</summary>
/// <param name="Records">Records of the wanted type at the end of the alias chain; empty unless <see cref="DnsOutcome.Found"/>.</param>
/// <param name="TimeToLive">How long this may be remembered; zero = not at all.</param>
/// <param name="Problem">Why there is no answer, for the log; null unless <see cref="DnsOutcome.TemporaryFailure"/>.</param>
public sealed record DnsAnswer(DnsOutcome Outcome, IReadOnlyList<DnsRecord> Records, TimeSpan TimeToLive, string? Problem)
{
    /// <summary>Who has answered, or was asked last; null: nobody, or that is not known.</summary>
    public IPEndPoint? Server { get; init; }

    /// <summary>The response code, where that is an error; 0: there is none.</summary>
    public int ErrorCode { get; init; }

    /// <summary>What the server says about an error; null: nothing. Printable.</summary>
    public string? Explanation { get; init; }

    /// <summary>An answer that nobody gave.</summary>
    public static DnsAnswer Failure(string problem) => new(DnsOutcome.TemporaryFailure, [], TimeSpan.Zero, problem);
}
