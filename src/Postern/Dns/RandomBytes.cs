using System.Security.Cryptography;

namespace Postern.Dns;

/// <summary>Bytes that nobody can guess, fetched by the block: the system call costs more than they do.</summary>
internal sealed class RandomBytes
{
    private readonly byte[] _block = new byte[512];
    private int _used = int.MaxValue;

    public byte Next()
    {
        if (_used >= _block.Length)
        {
            RandomNumberGenerator.Fill(_block);
            _used = 0;
        }

        return _block[_used++];
    }
}
