namespace Postern.Core.Dnsbl;

/// <summary>How a DNS list is.</summary>
public enum ListState
{
    /// <summary>It has not been found healthy yet: it is asked, and what it says waits for that.</summary>
    Unchecked,

    /// <summary>It can be believed.</summary>
    Healthy,

    /// <summary>It lists 127.0.0.1, as no list may, and so perhaps everybody: it is not asked.</summary>
    ListsEverybody,

    /// <summary>It has answered with nothing but errors for long: it is not asked.</summary>
    OnlyErrors,

    /// <summary>Its listings do not get here: it is asked, and what gets here counts.</summary>
    Hidden,
}

/// <summary>Something about a list that the administrator should know.</summary>
/// <param name="State">How the list is now.</param>
/// <param name="IsGood">Whether it needs no action.</param>
/// <param name="Text">Follows "DNS list DOMAIN"; in <see cref="ListState.Hidden"/>, where it is not good, the name of the resolver.</param>
public readonly record struct HealthNews(ListState State, bool IsGood, string Text);

/// <summary>
/// Whether a list can be believed. It counts once a check has found that it does not list 127.0.0.1. It leaves when it does, or
/// when for <see cref="FailureWindow"/> nothing but errors came from it, and comes back when that has ended. A list that lacks
/// the test entry 127.0.0.2 stays: lists of good clients and private lists often do.
/// </summary>
/// <param name="wasHealthy">Whether the process before this one has found it healthy, not long ago.</param>
/// <param name="hadTestEntry">Whether it had its test entry then.</param>
public sealed class ListHealth(bool wasHealthy = false, bool hadTestEntry = false)
{
    /// <summary>How long a list may answer with errors only.</summary>
    public static readonly TimeSpan FailureWindow = TimeSpan.FromMinutes(5);

    /// <summary>So many errors there must be besides: one lost packet in a quiet night is no evidence.</summary>
    public const int FewestFailures = 10;

    private const int FewestEmpty = 5; // answers without an address, which lists have no use for
    private const int LeastShare = 10; // percent of all answers that have to be errors

    private bool _isChecked = wasHealthy;
    private bool _listsEverybody, _isDead, _wasUnanswered;
    private bool _hasTestEntry = hadTestEntry;
    private Hiding _hiding;
    private bool _isSuspectedByCheck;
    private string? _evidence; // of clients' answers, that the listings do not get here
    private int _failuresInARow;
    private TimeSpan _firstInARow, _currentBegan;
    private Tally _current, _previous;

    private enum Hiding
    {
        No,
        OfTestEntry,
        OfClients,
    }

    /// <summary>How it is.</summary>
    public ListState State => _listsEverybody ? ListState.ListsEverybody
        : _isDead ? ListState.OnlyErrors
        : !_isChecked ? ListState.Unchecked
        : _hiding is not Hiding.No ? ListState.Hidden : ListState.Healthy;

    /// <summary>Whether it lists 127.0.0.2.</summary>
    public bool HasTestEntry => _hasTestEntry;

    /// <summary>Whether the next check should come soon: there is half a reason to believe that its listings do not get here.</summary>
    public bool IsSuspected => State is ListState.Healthy && (_isSuspectedByCheck || _evidence is not null);

    /// <summary>What came of a question about a client, or of one of the two of a check.</summary>
    /// <param name="answer">How it was answered.</param>
    /// <param name="now">Monotonic.</param>
    /// <returns>For the log; null: nothing has changed.</returns>
    public HealthNews? OnAnswer(ListAnswer answer, TimeSpan now)
    {
        if (now - _currentBegan >= FailureWindow)
        {
            _previous = now - _currentBegan < 2 * FailureWindow ? _current : default;
            (_current, _currentBegan) = (default, now);
        }

        _current.Add(answer);
        var isFailure = answer is ListAnswer.Silent or ListAnswer.Failed or ListAnswer.ErrorCode;
        if (answer is ListAnswer.Failed or ListAnswer.Empty)
            Suspect();
        if (isFailure)
            return OnFailure(now);
        _failuresInARow = 0;
        var isBack = _isDead;
        _isDead = false;
        if (answer is ListAnswer.Listed)
        {
            _evidence = null;
            if (_hiding is not Hiding.No)
                return Reappear();
        }

        return isBack ? Good(ListState.Healthy, "answers again: it counts again") : null;
    }

    /// <summary>Both questions of a check have been answered, or were not.</summary>
    /// <param name="loopback">The answer for 127.0.0.1.</param>
    /// <param name="testEntry">The answer for 127.0.0.2, whatever filters say of the address.</param>
    /// <param name="isExplained">Whether the resolver itself says that it protects against DNS rebinding.</param>
    /// <returns>For the log; null: nothing has changed.</returns>
    public HealthNews? OnCheck(ListAnswer loopback, ListAnswer testEntry, bool isExplained = false)
    {
        var finding = ListDiagnosis.Of(loopback, testEntry, isExplained);
        var wasSuspected = _isSuspectedByCheck;
        _isSuspectedByCheck = finding is ListFinding.PerhapsHidden;
        if (finding is ListFinding.ListsEverybody)
        {
            var isNews = !_listsEverybody;
            (_listsEverybody, _isChecked) = (true, true);
            return isNews ? Bad("lists 127.0.0.1, as no list may, and so perhaps everybody: it does not count until it is healthy") : null;
        }

        if (loopback is not (ListAnswer.NotListed or ListAnswer.Empty))
            return OnUnanswered(finding);

        var before = State;
        (_listsEverybody, _isChecked) = (false, true);
        if (loopback is ListAnswer.Empty)
            _evidence = null; // so it answers for who is not listed
        if (finding is ListFinding.Hidden || (finding is ListFinding.PerhapsHidden && wasSuspected))
            return Hide(Hiding.OfTestEntry, $"and its test entry 127.0.0.2 with {(testEntry is ListAnswer.Empty ? "no address" : "an error")}");
        if (finding is ListFinding.NoTestEntry && loopback is ListAnswer.NotListed && _evidence is { } evidence)
            return Hide(Hiding.OfClients, evidence);
        if (finding is ListFinding.Healthy || (finding is ListFinding.NoTestEntry && _hiding is Hiding.OfTestEntry))
        {
            _evidence = null;
            if (_hiding is not Hiding.No)
            {
                _hasTestEntry = finding is ListFinding.Healthy;
                return Reappear();
            }
        }

        if (before is ListState.ListsEverybody)
            return Good(ListState.Healthy, "does not list 127.0.0.1 any more: it counts again");
        if (before is ListState.Unchecked && _wasUnanswered)
            return Good(ListState.Healthy, "answers, and does not list everybody: it counts");
        return LookForTestEntry(finding);
    }

    private HealthNews? OnFailure(TimeSpan now)
    {
        if (_failuresInARow++ == 0)
            _firstInARow = now;
        if (_isDead || _failuresInARow < FewestFailures || now - _firstInARow < FailureWindow)
            return null;
        var wasOut = _listsEverybody;
        _isDead = true;
        return wasOut ? null : Bad($"has answered with nothing but errors for {(int)(now - _firstInARow).TotalMinutes} minutes: it does not count until it is healthy");
    }

    private HealthNews? OnUnanswered(ListFinding finding)
    {
        if (State is not ListState.Unchecked || _wasUnanswered)
            return null;
        _wasUnanswered = true;
        return Bad(finding is ListFinding.DoesNotServeUs ? "does not serve us: it does not count until it does" : "could not be checked yet: it does not count until it has been");
    }

    /// <summary>
    /// Some clients are answered as not listed; others only with errors, or without an address, and for long none as listed. It
    /// may be that these others are listed. Whether there is another explanation the next check shows.
    /// </summary>
    private void Suspect()
    {
        var (failed, empty, other) = (_current.Failed + _previous.Failed, _current.Empty + _previous.Empty, _current.NotListed + _previous.NotListed);
        if (other == 0 || _current.Listed + _previous.Listed > 0)
            return;
        if (empty >= FewestEmpty)
            _evidence = $"and {empty} clients with no address, and none as listed";
        else if (failed >= FewestFailures && failed * 100L >= LeastShare * (failed + other))
            _evidence = $"and {failed} of {failed + other} clients with an error, and none as listed";
    }

    private HealthNews? Hide(Hiding hiding, string how)
    {
        var isNews = State is ListState.Healthy;
        _hiding = hiding;
        return isNews && State is ListState.Hidden ? Bad($"answers 127.0.0.1 as not listed, {how}") : null;
    }

    private HealthNews? Reappear()
    {
        (_hiding, _evidence, _current, _previous) = (Hiding.No, null, default, default);
        return Good(ListState.Healthy, "has its listings let through again");
    }

    private HealthNews? LookForTestEntry(ListFinding finding)
    {
        if (finding is not (ListFinding.Healthy or ListFinding.NoTestEntry) || _hasTestEntry == finding is ListFinding.Healthy)
            return null;
        _hasTestEntry = !_hasTestEntry;
        return _hasTestEntry ? null : Bad("does not list its test entry 127.0.0.2 any more: it may have been emptied; it still counts");
    }

    private HealthNews Bad(string text) => new(State, IsGood: false, text);

    private HealthNews? Good(ListState expected, string text) => State == expected ? new HealthNews(State, IsGood: true, text) : null;

    /// <summary>Answers within one stretch of time.</summary>
    private struct Tally
    {
        public int Failed, Empty, NotListed, Listed;

        public void Add(ListAnswer answer)
        {
            switch (answer)
            {
                case ListAnswer.Listed: Listed++; break;
                case ListAnswer.NotListed: NotListed++; break;
                case ListAnswer.Empty: Empty++; break;
                case ListAnswer.Failed: Failed++; break;
            }
        }
    }
}
