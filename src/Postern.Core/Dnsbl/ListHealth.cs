namespace Postern.Core.Dnsbl;

/// <summary>How an answer bears on the health of a list.</summary>
public enum ListAnswer
{
    /// <summary>No answer, or one that says that the list does not serve us.</summary>
    Failed,

    /// <summary>Not listed.</summary>
    NotListed,

    /// <summary>Listed.</summary>
    Listed,
}

/// <summary>
/// Whether a list can be believed. It leaves the score when it lists 127.0.0.1, which no list may (RFC 5782 §5), or when
/// for <see cref="FailureWindow"/> nothing but errors came from it; and comes back when that has ended. A list that lacks
/// the test entry 127.0.0.2 stays: lists of good clients and private lists often do.
/// </summary>
public sealed class ListHealth
{
    /// <summary>How long a list may answer with errors only.</summary>
    public static readonly TimeSpan FailureWindow = TimeSpan.FromMinutes(5);

    /// <summary>So many errors there must be besides: one lost packet in a quiet night is no evidence.</summary>
    public const int FewestFailures = 10;

    private int _failures;
    private TimeSpan _firstFailure;
    private bool _listsEverybody;
    private bool _isDead;
    private bool _hadTestEntry;

    /// <summary>Whether it counts.</summary>
    public bool IsWell => !_listsEverybody && !_isDead;

    /// <summary>A query has been answered, or was not.</summary>
    /// <param name="answer">How.</param>
    /// <param name="now">Monotonic.</param>
    /// <returns>For the log: what has changed; null: nothing.</returns>
    public string? OnAnswer(ListAnswer answer, TimeSpan now)
    {
        if (answer is not ListAnswer.Failed)
        {
            _failures = 0;
            var isBack = _isDead;
            _isDead = false;
            return isBack && IsWell ? "answers again: it counts again" : null;
        }

        if (_failures++ == 0)
            _firstFailure = now;
        if (_isDead || _failures < FewestFailures || now - _firstFailure < FailureWindow)
            return null;
        var wasWell = IsWell;
        _isDead = true;
        return wasWell ? $"has answered with nothing but errors for {(int)(now - _firstFailure).TotalMinutes} minutes: it does not count until it is well" : null;
    }

    /// <summary>The answer to the question for 127.0.0.1.</summary>
    /// <returns>For the log: what has changed; null: nothing.</returns>
    public string? OnLoopbackCheck(ListAnswer answer)
    {
        if (answer is ListAnswer.Failed || _listsEverybody == answer is ListAnswer.Listed)
            return null;
        var wasWell = IsWell;
        _listsEverybody = answer is ListAnswer.Listed;
        if (_listsEverybody)
            return wasWell ? "lists 127.0.0.1, as no list may, and so perhaps everybody: it does not count until it is well" : null;
        return IsWell ? "does not list 127.0.0.1 any more: it counts again" : null;
    }

    /// <summary>The answer to the question for 127.0.0.2, the test entry.</summary>
    /// <returns>For the log: what has changed; null: nothing.</returns>
    public string? OnTestEntryCheck(ListAnswer answer)
    {
        if (answer is ListAnswer.Failed || _hadTestEntry == answer is ListAnswer.Listed)
            return null;
        _hadTestEntry = !_hadTestEntry;
        return _hadTestEntry ? null : "does not list its test entry 127.0.0.2 any more: it may have been emptied; it still counts";
    }
}
