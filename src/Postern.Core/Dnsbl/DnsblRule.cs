namespace Postern.Core.Dnsbl;

/// <summary>One filter and weight of a DNS list.</summary>
/// <param name="Filter">Null: every answer counts.</param>
/// <param name="Weight">What a listing adds to the score; negative for lists of good clients.</param>
public sealed record DnsblRule(ReplyFilter? Filter, int Weight)
{
    /// <summary>Whether an answer is a listing by this rule.</summary>
    /// <param name="address">a.b.c.d with a in the most significant byte.</param>
    /// <param name="withErrors">Whether error answers count like any other, as in postscreen.</param>
    public bool Counts(uint address, bool withErrors) =>
        (Filter is null || Filter.Matches(address)) && (withErrors || !IsErrorAnswer(address));

    /// <summary>
    /// Whether an answer is no listing, but says that the list did not answer the question; unless the filter names
    /// the special part of the answer in single numbers.
    /// </summary>
    public bool IsErrorAnswer(uint address) => ErrorAnswer.KindOf(address) switch
    {
        ErrorAnswerKind.OutsideLoopback => Filter?.IsExact(..1) is not true,
        ErrorAnswerKind.ErrorCode => Filter?.IsExact(1..3) is not true,
        ErrorAnswerKind.OverQuota => Weight < 0 && Filter?.IsExact(3..) is not true, // elsewhere it is a code like any other
        _ => false,
    };
}
