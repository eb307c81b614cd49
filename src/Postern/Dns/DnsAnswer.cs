namespace Postern.Dns;

/// <summary>What a lookup found.</summary>
/// <param name="Records">Records of the wanted type at the end of the alias chain; empty unless <see cref="DnsOutcome.Found"/>.</param>
/// <param name="TimeToLive">How long this may be remembered; zero = not at all.</param>
/// <param name="Problem">Why there is no answer, for the log; null unless <see cref="DnsOutcome.TemporaryFailure"/>.</param>
public sealed record DnsAnswer(DnsOutcome Outcome, IReadOnlyList<DnsRecord> Records, TimeSpan TimeToLive, string? Problem)
{
    /// <summary>An answer that nobody gave.</summary>
    public static DnsAnswer Failure(string problem) => new(DnsOutcome.TemporaryFailure, [], TimeSpan.Zero, problem);
}
