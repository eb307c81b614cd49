using System.Text;

namespace Postern.Core.Relay;

/// <summary>
/// Sees what a server says in the session of a client that authenticates itself, and tells of every refusal: a reply with
/// the code 535 (RFC 4954 §6). A server says nothing but replies, so its side alone shows that; nothing is changed or held back.
/// </summary>
/// <param name="refused">Takes the refusal's last line, not escaped.</param>
public sealed class AuthWatcher(Action<string> refused)
{
    private const int LongestLine = 200; // is enough for the log

    private readonly byte[] _line = new byte[LongestLine];
    private int _length;

    /// <summary>The server has said this.</summary>
    public void See(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            Keep(bytes[..end]);
            OnLine(_line.AsSpan(0, _length).TrimEnd((byte)'\r'));
            _length = 0;
            bytes = bytes[(end + 1)..];
        }

        Keep(bytes);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, LongestLine - _length)];
        bytes.CopyTo(_line.AsSpan(_length));
        _length += bytes.Length;
    }

    private void OnLine(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("535"u8) && (line.Length == 3 || line[3] == (byte)' '))
            refused(Encoding.Latin1.GetString(line));
    }
}
