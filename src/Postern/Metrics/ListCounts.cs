using Postern.Core.Dnsbl;

namespace Postern.Metrics;

/// <summary>What came from a DNS list when it was asked about clients.</summary>
internal sealed class ListCounts
{
    private readonly long[] _answers = new long[Enum.GetValues<ListAnswer>().Length];

    /// <summary>How long its answers took.</summary>
    public BucketCounts Latency { get; } = new(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10);

    /// <summary>Questions that it did not answer within <c>postscreen_dnsbl_timeout</c>.</summary>
    public long TimedOut { get; set; }

    /// <summary>Answers that count as listings.</summary>
    public long Listed => Of(ListAnswer.Listed);

    /// <summary>Answers that do not.</summary>
    public long NotListed => Of(ListAnswer.NotListed) + Of(ListAnswer.Empty);

    /// <summary>Errors, and questions that no server answered.</summary>
    public long Failed => Of(ListAnswer.Failed) + Of(ListAnswer.Silent) + Of(ListAnswer.ErrorCode);

    /// <summary>Counts an answer.</summary>
    public void Add(ListAnswer answer, TimeSpan after)
    {
        _answers[(int)answer]++;
        Latency.Add(after.TotalSeconds);
    }

    private long Of(ListAnswer answer) => _answers[(int)answer];
}
