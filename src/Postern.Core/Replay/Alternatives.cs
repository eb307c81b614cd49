namespace Postern.Core.Replay;

/// <summary>What a replay has to suppose.</summary>
internal enum Fact : byte
{
    /// <summary>Whether the client stays silent where the recording ends.</summary>
    Silence,

    /// <summary>What it says after the greeting.</summary>
    Dialogue,

    /// <summary>When it says that.</summary>
    DialogueTime,

    /// <summary>What DNS lists say that were not asked or had not answered.</summary>
    Lists,

    /// <summary>Whether answers came before a timer that fired at nearly the same moment.</summary>
    ListTie,

    /// <summary>Whether the client acted before a timer that fired at nearly the same moment.</summary>
    ClientTie,

    /// <summary>Whether another session's answers of DNS lists were there already.</summary>
    SharedAnswers,

    /// <summary>Its reverse name, or whether DNS was in time with it.</summary>
    Name,

    /// <summary>Which of the possible records the allowlist has.</summary>
    Record,

    /// <summary>Whether a pass is still good.</summary>
    Pass,

    /// <summary>Whether the allowlist was cleaned up since the address was there last, and its record went.</summary>
    Cleanup,

    /// <summary>Whether there are too many sessions of the address.</summary>
    Crowd,

    /// <summary>What taRgrey has in mind.</summary>
    Targrey,

    /// <summary>Whether it is a provider's server.</summary>
    Provider,
}

/// <summary>Names a fork: the same question has the same answer wherever it is asked on one way.</summary>
/// <param name="Visit">Which of the visits that are replayed together.</param>
/// <param name="Fact">What is not known.</param>
/// <param name="Detail">Tells apart what is not the same question.</param>
internal readonly record struct Fork(int Visit, Fact Fact, long Detail);

/// <summary>
/// Goes through all ways in which what the recording does not tell can have been: whoever replays asks at each fork where to
/// go, and is run again until all ways are gone. Only forks that are met make further ways.
/// </summary>
internal sealed class Alternatives
{
    private readonly List<Taken> _forks = [];
    private int _passed;

    /// <summary>What the forks of this way are about.</summary>
    public Unknowns Missing { get; private set; }

    /// <summary>How many forks have been passed on this way.</summary>
    public int Passed => _passed;

    /// <summary>Where to go at a fork.</summary>
    /// <param name="fork">Which.</param>
    /// <param name="count">How many ways go on from here; the first is that of a decent client.</param>
    /// <param name="missing">What would have to be known.</param>
    /// <returns>From 0.</returns>
    public int Choose(in Fork fork, int count, Unknowns missing)
    {
        if (count <= 1)
            return 0;
        if (Find(fork) is { } gone)
            return Math.Min(gone, count - 1);
        if (_passed == _forks.Count)
            _forks.Add(new Taken(fork, 0, count, missing));
        var taken = _forks[_passed++];
        Missing |= taken.Missing;
        return taken.Way;
    }

    /// <summary>Where this way has gone at a fork; null: it has not met it.</summary>
    public int? Find(in Fork fork)
    {
        for (var i = 0; i < _passed; i++)
        {
            if (_forks[i].Fork == fork)
                return _forks[i].Way;
        }

        return null;
    }

    /// <summary>Back to the first way of all.</summary>
    public void Reset()
    {
        _forks.Clear();
        Return(0);
    }

    /// <summary>Back to a place on this way.</summary>
    /// <param name="place">A former <see cref="Passed"/>.</param>
    public void Return(int place)
    {
        _passed = place;
        Missing = Unknowns.None;
        for (var i = 0; i < place; i++)
            Missing |= _forks[i].Missing;
    }

    /// <summary>Turns to the next way that is the same up to a place, and goes back to that place.</summary>
    /// <param name="place">A former <see cref="Passed"/>.</param>
    /// <returns>False: there is none, and the forks behind that place are forgotten.</returns>
    public bool Next(int place)
    {
        while (_forks.Count > place)
        {
            var last = _forks[^1];
            if (last.Way + 1 < last.Count)
            {
                _forks[^1] = last with { Way = last.Way + 1 };
                Return(place);
                return true;
            }

            _forks.RemoveAt(_forks.Count - 1);
        }

        Return(place);
        return false;
    }

    private readonly record struct Taken(Fork Fork, int Way, int Count, Unknowns Missing);
}
