using System.Buffers.Binary;
using Postern.Core;
using Postern.Core.Replay;
using Postern.Native;

namespace Postern.Events;

/// <summary>An address and a service whose visits follow.</summary>
/// <param name="Service">Its number.</param>
/// <param name="Address">The clients' address.</param>
/// <param name="IsMarked">Whether one of the visits was marked.</param>
/// <param name="HasNeighbours">Whether other addresses of the same network (/24 or /64) have come, too.</param>
internal readonly record struct VisitGroup(int Service, IpAddress Address, bool IsMarked, bool HasNeighbours);

/// <summary>
/// Sorts any number of recorded clients by service, address and time in bounded memory: what does not fit is sorted in parts,
/// put into a file without a name, and merged when it is read.
/// </summary>
internal sealed class VisitSorter : IDisposable
{
    /// <summary>Bytes of packed clients that are kept in memory: some ten thousand.</summary>
    public const int UsualPart = 3 << 20;

    private const int MaxReadAhead = 4 << 20, LongestReadAhead = 64 << 10, ShortestReadAhead = 4 << 10;
    private const int MaxClient = 64 << 10; // bytes; an event has a bound, and is longer than its packed form
    private const int HeadLength = sizeof(int) + sizeof(int) + 16 + sizeof(long) + 1;
    private const byte Marked = 1, Neighboured = 2;

    private readonly int _part;
    private readonly PackedClient _codec = new();
    private readonly List<Entry> _entries = [];
    private readonly List<Run> _runs = [];
    private ByteBuffer _bytes = new();
    private FileStream? _file;

    /// <param name="part">How many bytes are kept in memory.</param>
    public VisitSorter(int part = UsualPart) => _part = part;

    /// <summary>How many clients there are.</summary>
    public long Count { get; private set; }

    /// <summary>Takes one in.</summary>
    /// <param name="service">The number of the service that it came to.</param>
    /// <param name="isMarked">Marks its address.</param>
    /// <exception cref="IOException">The file cannot be written; the message is for the administrator.</exception>
    public void Add(RecordedClient client, int service, bool isMarked)
    {
        var start = _bytes.Length;
        _codec.Write(client, _bytes);
        _entries.Add(new Entry(new Key(service, client.Address, client.Connected.UtcTicks), start, _bytes.Length - start, isMarked));
        Count++;
        if (_bytes.Length >= _part)
            Spill();
    }

    /// <summary>Reads them all, group by group, and ends with that.</summary>
    /// <param name="begin">Told of each group.</param>
    /// <param name="take">Given its visits, the earlier ones first.</param>
    /// <param name="end">Told that the group is over.</param>
    /// <exception cref="IOException">The file cannot be read or written; the message is for the administrator.</exception>
    public void Read(Action<VisitGroup> begin, Action<RecordedClient> take, Action end)
    {
        if (_runs.Count == 0)
            ReadMemory(begin, take, end);
        else
            ReadRuns(begin, take, end);
    }

    public void Dispose() => _file?.Dispose();

    private void ReadMemory(Action<VisitGroup> begin, Action<RecordedClient> take, Action end)
    {
        _entries.Sort();
        var flags = Flags();
        for (var i = 0; i < _entries.Count; i++)
        {
            var entry = _entries[i];
            if (i == 0 || !_entries[i - 1].Key.IsOfGroup(entry.Key))
            {
                if (i > 0)
                    end();
                begin(new(entry.Key.Service, entry.Key.Address, (flags[i] & Marked) != 0, (flags[i] & Neighboured) != 0));
            }

            take(_codec.Read(_bytes.Written.Slice(entry.Start, entry.Length), entry.Key.Address, entry.Key.Connected));
        }

        if (_entries.Count > 0)
            end();
    }

    /// <summary>For each entry, in order, what is known of its group in this part.</summary>
    private byte[] Flags()
    {
        var flags = new byte[_entries.Count];
        for (int i = 0, next; i < flags.Length; i = next)
        {
            var (first, last) = (_entries[i].Key, _entries[i].Key);
            for (next = i; next < flags.Length && _entries[next].Key.IsOfNetwork(first); next++)
                last = _entries[next].Key;
            for (int j = i, after; j < next; j = after)
            {
                byte group = first.IsOfGroup(last) ? (byte)0 : Neighboured;
                for (after = j; after < next && _entries[after].Key.IsOfGroup(_entries[j].Key); after++)
                    group |= _entries[after].IsMarked ? Marked : (byte)0;
                flags.AsSpan(j, after - j).Fill(group);
            }
        }

        return flags;
    }

    private void Spill()
    {
        _file ??= OpenNameless();
        _entries.Sort();
        var (flags, start) = (Flags(), _file.Position);
        Span<byte> head = stackalloc byte[HeadLength];
        try
        {
            for (var i = 0; i < _entries.Count; i++)
            {
                var entry = _entries[i];
                BinaryPrimitives.WriteInt32LittleEndian(head, entry.Length);
                entry.Key.Write(head[sizeof(int)..]);
                head[^1] = flags[i];
                _file.Write(head);
                _file.Write(_bytes.Written.Slice(entry.Start, entry.Length));
            }

            _file.Flush();
        }
        catch (IOException problem)
        {
            throw new IOException($"cannot write to a temporary file in {Path.GetTempPath()}: {Errno.ReasonOf(problem)}; set TMPDIR to a folder with more room", problem);
        }

        _runs.Add(new Run(start, _file.Position));
        _entries.Clear();
        _bytes.Truncate(0);
    }

    // In a folder that is closed to others (0700); and nothing of it is left, however the process ends.
    private static FileStream OpenNameless()
    {
        const int Buffer = 256 << 10;
        var folder = Directory.CreateTempSubdirectory("postern-what-if-").FullName;
        try
        {
            return new FileStream(folder + "/visits", new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                BufferSize = Buffer,
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void ReadRuns(Action<VisitGroup> begin, Action<RecordedClient> take, Action end)
    {
        if (_entries.Count > 0)
            Spill();
        (_bytes, _entries.Capacity) = (new ByteBuffer(), 0);
        var readAhead = Math.Clamp(MaxReadAhead / _runs.Count, ShortestReadAhead, LongestReadAhead);
        var heads = new PriorityQueue<RunReader, Key>();
        foreach (var run in _runs)
        {
            var reader = new RunReader(_file!, run, readAhead);
            if (reader.Next())
                heads.Enqueue(reader, reader.Key);
        }

        Key? last = null;
        while (heads.TryDequeue(out var head, out var key))
        {
            if (last is not { } before || !before.IsOfGroup(key))
            {
                if (last is not null)
                    end();
                begin(GroupOf(head, heads, last));
            }

            take(_codec.Read(head.Client, key.Address, key.Connected));
            last = key;
            if (head.Next())
                heads.Enqueue(head, head.Key);
        }

        if (last is not null)
            end();
    }

    /// <summary>A group is at the head of every part that has some of it.</summary>
    private static VisitGroup GroupOf(RunReader first, PriorityQueue<RunReader, Key> others, Key? last)
    {
        var (flags, key) = (first.Flags, first.Key);
        var hasNeighbours = last is { } before && before.IsOfNetwork(key);
        foreach (var (reader, other) in others.UnorderedItems)
        {
            if (other.IsOfGroup(key))
                flags |= reader.Flags;
            else
                hasNeighbours |= other.IsOfNetwork(key);
        }

        return new(key.Service, key.Address, (flags & Marked) != 0, hasNeighbours || (flags & Neighboured) != 0);
    }

    private readonly record struct Run(long Start, long End);

    private readonly record struct Entry(Key Key, int Start, int Length, bool IsMarked) : IComparable<Entry>
    {
        // Those of the same moment stay in their order.
        public int CompareTo(Entry other) => Key.CompareTo(other.Key) is not 0 and var order ? order : Start.CompareTo(other.Start);
    }

    private readonly record struct Key(int Service, ulong High, ulong Low, long Ticks) : IComparable<Key>
    {
        public Key(int service, IpAddress address, long ticks)
            : this(service, address.High, address.Low, ticks)
        {
        }

        public IpAddress Address
        {
            get
            {
                Span<byte> bytes = stackalloc byte[16];
                BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
                BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], Low);
                return IpAddress.FromBytes(bytes);
            }
        }

        public DateTimeOffset Connected => new(Ticks, TimeSpan.Zero);

        public static Key Read(ReadOnlySpan<byte> bytes) => new(
            BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[20..]));

        public void Write(Span<byte> bytes)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes, Service);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[4..], High);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[12..], Low);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[20..], Ticks);
        }

        public bool IsOfGroup(in Key other) => Service == other.Service && High == other.High && Low == other.Low;

        public bool IsOfNetwork(in Key other) =>
            Service == other.Service && High == other.High && (Address is not { IsIPv4: true } address || address.Network(24) == other.Address.Network(24));

        public int CompareTo(Key other) =>
            Service != other.Service ? Service.CompareTo(other.Service)
            : High != other.High ? High.CompareTo(other.High)
            : Low != other.Low ? Low.CompareTo(other.Low)
            : Ticks.CompareTo(other.Ticks);
    }

    /// <summary>Reads one sorted part of the file.</summary>
    private sealed class RunReader(FileStream file, Run run, int readAhead)
    {
        private byte[] _buffer = new byte[readAhead];
        private long _position = run.Start;
        private int _start, _filled, _length;

        public Key Key { get; private set; }

        public byte Flags { get; private set; }

        public ReadOnlySpan<byte> Client => _buffer.AsSpan(_start - _length, _length);

        /// <returns>False: that was the last.</returns>
        public bool Next()
        {
            if (!Fill(HeadLength))
                return false;
            var head = _buffer.AsSpan(_start, HeadLength);
            _length = BinaryPrimitives.ReadInt32LittleEndian(head);
            Key = Key.Read(head[sizeof(int)..]);
            Flags = head[^1];
            _start += HeadLength;
            if (_length is < 0 or > MaxClient || !Fill(_length))
                throw new IOException("the temporary file is damaged");
            _start += _length;
            return true;
        }

        private bool Fill(int wanted)
        {
            if (_filled - _start >= wanted)
                return true;
            var rest = _buffer.AsSpan(_start, _filled - _start);
            if (wanted > _buffer.Length)
            {
                var larger = new byte[wanted];
                rest.CopyTo(larger);
                _buffer = larger;
            }
            else
            {
                rest.CopyTo(_buffer);
            }

            (_filled, _start) = (rest.Length, 0);
            while (_filled < wanted && _position < run.End)
            {
                var read = RandomAccess.Read(file.SafeFileHandle, _buffer.AsSpan(_filled, (int)Math.Min(_buffer.Length - _filled, run.End - _position)), _position);
                if (read == 0)
                    return false;
                _filled += read;
                _position += read;
            }

            return _filled >= wanted;
        }
    }
}
