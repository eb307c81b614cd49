namespace Postern.Receiver;

/// <summary>A token that is cancelled when time is over or when somebody else gives up; one for one wait.</summary>
internal sealed class Patience : IDisposable
{
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _either;

    /// <param name="limit">Zero or less: it is over already.</param>
    public Patience(TimeSpan limit, TimeProvider clock, CancellationToken cancellation)
    {
        _timer = new CancellationTokenSource(limit > TimeSpan.Zero ? limit : TimeSpan.Zero, clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, cancellation);
    }

    /// <summary>To be passed to the call that waits.</summary>
    public CancellationToken Token => _either.Token;

    /// <inheritdoc />
    public void Dispose()
    {
        _either.Dispose();
        _timer.Dispose();
    }
}
