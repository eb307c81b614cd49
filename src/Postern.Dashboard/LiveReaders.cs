using System.Net;

namespace Postern.Dashboard;

/// <summary>
/// Who has the live view open. Each is a connection for as long as the page is open, and there are <paramref name="most"/> of them
/// for this, so that the page itself and its answers always find one.
/// </summary>
/// <param name="most">For all.</param>
/// <param name="mostEach">For one address.</param>
internal sealed class LiveReaders(int most, int mostEach)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _open = [];
    private int _count;

    /// <summary>Lets a reader in, who must <see cref="Leave"/>.</summary>
    /// <returns>Why not, for the reader; null: come in.</returns>
    public string? TryEnter(IPAddress reader)
    {
        lock (_lock)
        {
            var own = _open.GetValueOrDefault(reader);
            if (own >= mostEach)
                return $"{own} pages are open at {reader} already: close one of them";
            if (_count >= most)
                return $"{_count} pages are open already: wait until somebody closes one";
            _open[reader] = own + 1;
            _count++;
            return null;
        }
    }

    /// <summary>A reader who was let in is gone.</summary>
    public void Leave(IPAddress reader)
    {
        lock (_lock)
        {
            _count--;
            if (_open[reader]-- == 1)
                _open.Remove(reader);
        }
    }
}
