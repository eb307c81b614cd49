namespace Postern.ProcessLife;

/// <summary>Tries again every few seconds what did not work yet, until it does: on a thread that is there for that only.</summary>
/// <param name="pause">Between two attempts.</param>
internal sealed class Retries(TimeSpan pause) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Func<bool>> _waiting = [];
    private readonly ManualResetEvent _stop = new(false);
    private bool _isAtWork;

    /// <param name="what">Takes the place of an earlier attempt at the same thing.</param>
    /// <param name="attempt">True: no more attempts. On another thread.</param>
    public void Add(string what, Func<bool> attempt)
    {
        lock (_lock)
        {
            _waiting[what] = attempt;
            if (_isAtWork)
                return;
            _isAtWork = true;
            new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "retries" }.Start();
        }
    }

    /// <summary>No more attempts at this.</summary>
    public void Remove(string what)
    {
        lock (_lock)
            _waiting.Remove(what);
    }

    /// <summary>Begins no more attempts; one may be under way.</summary>
    public void Dispose() => _stop.Set(); // left to the finalizer: the thread may still look at it

    private void Run()
    {
        while (!_stop.WaitOne(pause))
        {
            KeyValuePair<string, Func<bool>>[] all;
            lock (_lock)
            {
                if (_waiting.Count == 0)
                {
                    _isAtWork = false;
                    return;
                }

                all = [.. _waiting];
            }

            foreach (var (what, attempt) in all)
            {
                if (!attempt())
                    continue;
                lock (_lock)
                {
                    if (_waiting.GetValueOrDefault(what) == attempt)
                        _waiting.Remove(what);
                }
            }
        }
    }
}
