namespace Postern.Core.Dnsbl;

/// <summary>
/// What a DNS list's answers to the questions for 127.0.0.1 and 127.0.0.2 say of it. RFC 5782 §5 sets these addresses aside for
/// that: no list may list the first, and lists of bad senders list the second, their test entry.
/// </summary>
public enum ListFinding
{
    /// <summary>It has not been asked yet.</summary>
    None,

    /// <summary>It answers as a list should.</summary>
    Healthy,

    /// <summary>It answers, and does not list the test entry: lists of good senders and private ones often do not.</summary>
    NoTestEntry,

    /// <summary>It lists 127.0.0.1, and so perhaps everybody.</summary>
    ListsEverybody,

    /// <summary>The answer is an error code of the list.</summary>
    DoesNotServeUs,

    /// <summary>
    /// The test entry is listed, and a resolver that protects against DNS rebinding keeps the address 127.0.0.2 to itself: it
    /// answers without an address (unbound, dnsmasq), or with an error (knot-resolver, bind9), while a name that is not listed
    /// is answered as usual.
    /// </summary>
    Hidden,

    /// <summary>The question for the test entry was answered with an error: that, or some other trouble.</summary>
    PerhapsHidden,

    /// <summary>There was no answer, or an error.</summary>
    Unanswered,
}

/// <summary>Makes a <see cref="ListFinding"/>.</summary>
public static class ListDiagnosis
{
    /// <param name="loopback">The answer for 127.0.0.1.</param>
    /// <param name="testEntry">The answer for 127.0.0.2.</param>
    /// <param name="isExplained">Whether the resolver itself says that it protects against DNS rebinding.</param>
    public static ListFinding Of(ListAnswer loopback, ListAnswer testEntry, bool isExplained) => (loopback, testEntry) switch
    {
        (ListAnswer.Listed, _) => ListFinding.ListsEverybody,
        (ListAnswer.ErrorCode, _) or (_, ListAnswer.ErrorCode) => ListFinding.DoesNotServeUs,
        (ListAnswer.Silent or ListAnswer.Failed, _) => ListFinding.Unanswered,
        (_, ListAnswer.Listed) => ListFinding.Healthy,
        (ListAnswer.NotListed, ListAnswer.Empty) => ListFinding.Hidden,
        (ListAnswer.NotListed, ListAnswer.Failed) => isExplained ? ListFinding.Hidden : ListFinding.PerhapsHidden,
        (_, ListAnswer.Silent or ListAnswer.Failed) => ListFinding.Unanswered,
        _ => ListFinding.NoTestEntry,
    };

    /// <summary>Whether what a resolver says about an error is about that protection.</summary>
    public static bool ExplainsRebinding(string? explanation) => explanation?.Contains("rebinding", StringComparison.OrdinalIgnoreCase) is true;

    /// <summary>How resolvers are told to let a list's answers through.</summary>
    /// <param name="domain">The list's.</param>
    public static string RebindRemedy(string domain) =>
        $"have the resolver let this domain's answers through -- unbound: private-domain: \"{domain}\"; dnsmasq: rebind-domain-ok=/{domain}/; "
        + $"bind9: deny-answer-addresses {{ ... }} except-from {{ \"{domain}\"; }}; knot-resolver: leave out modules.load('rebinding < iterate')";
}
